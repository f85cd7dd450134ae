/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - see client.h. */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "graphql.h"

#define INTERACTIVE  2
#define BATCH	     3
#define LOOKUP_NAMES 5000
#define ROOT_NAMES   40
/* Parts that the third report is cut into. */
#define PAIR_PARTS 20

/* The page of one package: itself, and what lies within two steps of it. */
static const char lookup_sql[] = "SELECT p.name, p.section, p.summary, v.version, v.installed_kb,"
				 " count(DISTINCT e.target_id), sum(w.installed_kb)"
				 " FROM packages p JOIN versions v ON v.package_id = p.id"
				 " LEFT JOIN dependencies d ON d.package_id = p.id"
				 " LEFT JOIN dependencies e ON e.package_id = d.target_id"
				 " LEFT JOIN versions w ON w.package_id = e.target_id"
				 " WHERE p.name = ?1 GROUP BY v.id";

/* Everything that could not be installed without a package, and how large that is. */
static const char needed_by_sql[] =
	"WITH RECURSIVE needs(id) AS (SELECT id FROM packages WHERE name = ?1"
	" UNION SELECT d.package_id FROM needs n JOIN dependencies d"
	" ON d.target_id = n.id AND d.kind IN ('depends', 'pre-depends'))"
	" SELECT count(DISTINCT n.id), sum(v.installed_kb)"
	" FROM needs n JOIN versions v ON v.package_id = n.id";

/* Which sections lean on which others. */
static const char sections_sql[] =
	"SELECT p.section, t.section, d.kind, count(*) AS links, count(DISTINCT d.target_id),"
	" sum(v.installed_kb) FROM dependencies d JOIN packages p ON p.id = d.package_id"
	" JOIN packages t ON t.id = d.target_id JOIN versions v ON v.id = d.version_id"
	" WHERE ?1 IS NOT NULL GROUP BY 1, 2, 3 ORDER BY links DESC LIMIT 10";

/* Which packages are wanted together most often. */
static const char pairs_sql[] =
	"SELECT a.target_id, b.target_id, count(*) AS times FROM dependencies a"
	" JOIN dependencies b ON a.version_id = b.version_id AND a.target_id < b.target_id"
	" WHERE a.kind = 'depends' AND b.kind = 'depends' AND a.package_id % 20 = ?1"
	" GROUP BY 1, 2 ORDER BY times DESC LIMIT 10";

static const char execute_document[] =
	"mutation Run($s: UInt64!, $q: String!, $p: [JSON]) {"
	" executeSql(sessionId: $s, sql: $q, parameters: $p) { rows cpuTimeNs waitTimeNs } }";

static const char usage_document[] = "{ lookups: getCpuGroupStats(groupId: 2) { cpuTimeUsed }"
				     " reports: getCpuGroupStats(groupId: 3) { cpuTimeUsed } }";

/* ---- names ---- */

/* Frees nothing on failure: the caller ends with load_names_fini. */
static int fetch_column(struct http_conn *control, uint64_t session, const char *sql, size_t limit,
	char ***ret_texts, size_t *ret_count)
{
	json_t *variables =
		json_pack("{s:I, s:s, s:[i]}", "s", (json_int_t)session, "q", sql, "p", (int)limit);
	json_t *data = graphql_call(control, execute_document, variables, false), *row;
	json_t *rows = json_object_get(json_object_get(data, "executeSql"), "rows");
	size_t index;

	*ret_texts = calloc(json_array_size(rows) + 1, sizeof(char *));
	json_array_foreach (rows, index, row) {
		const char *text = json_string_value(json_array_get(row, 0));
		if (text && *ret_texts)
			(*ret_texts)[(*ret_count)++] = strdup(text);
	}
	json_decref(data);
	if (*ret_count > 0)
		return 0;
	fprintf(stderr, "reeve-demo: the database has no packages\n");
	return -1;
}

static uint64_t create_session(
	struct http_conn *control, unsigned user, const char *name, int group)
{
	return graphql_number(control,
		"mutation($u: UInt64!, $n: String!, $g: UInt64!) { createSession("
		"userId: $u, username: $n, groupId: $g, programName: \"reeve-demo\") { sessionId } "
		"}",
		json_pack("{s:i, s:s, s:i}", "u", (int)user, "n", name, "g", group),
		"createSession.sessionId");
}

static void end_session(struct http_conn *control, uint64_t session)
{
	if (session)
		json_decref(graphql_call(control,
			"mutation($s: UInt64!) { killSession(sessionId: $s) { success } }",
			json_pack("{s:I}", "s", (json_int_t)session), true));
}

int load_names_fetch(struct load_names *names, struct http_conn *control)
{
	uint64_t session = create_session(control, 1000, "setup", BATCH);
	int result = -1;

	if (session && fetch_column(control, session,
			       "SELECT name FROM packages WHERE section IS NOT NULL"
			       " ORDER BY (id * 7919) % 100003 LIMIT ?1",
			       LOOKUP_NAMES, &names->lookups, &names->lookup_count) == 0)
		result = fetch_column(control, session,
			"SELECT t.name FROM dependencies d JOIN packages t ON t.id = d.target_id"
			" WHERE d.kind = 'depends' GROUP BY t.id ORDER BY count(*) DESC LIMIT ?1",
			ROOT_NAMES, &names->roots, &names->root_count);
	end_session(control, session);
	return result;
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

void load_names_fini(struct load_names *names)
{
	free_texts(names->lookups, names->lookup_count);
	free_texts(names->roots, names->root_count);
	*names = (struct load_names){0};
}

/* ---- asking ---- */

/* xorshift64. */
uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int post(struct client *client, const char *document, json_t *variables)
{
	json_t *request = json_pack("{s:s, s:o*}", "query", document, "variables", variables);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int result = text ? http_post(&client->conn, "/graphql", text, strlen(text)) : -1;

	free(text);
	json_decref(request);
	client->is_busy = true;
	client->since_us = clock_us();
	return result;
}

static int post_sql(struct client *client, const char *sql, json_t *parameter)
{
	return post(client, execute_document,
		json_pack("{s:I, s:s, s:[o]}", "s", (json_int_t)client->session, "q", sql, "p",
			parameter));
}

/* Reports take turns, each client beginning with another one. */
static int ask_report(struct client *client, const struct load_names *names, uint64_t *random)
{
	unsigned turn = client->asked++;

	switch (turn % 3) {
	case 0:
		return post_sql(client, needed_by_sql,
			json_string(names->roots[next_random(random) % names->root_count]));
	case 1:
		return post_sql(client, sections_sql, json_integer(1));
	default:
		return post_sql(client, pairs_sql,
			json_integer((json_int_t)(next_random(random) % PAIR_PARTS)));
	}
}

int client_ask(struct client *client, const struct load_names *names, uint64_t *random)
{
	switch (client->role) {
	case LOOKUP:
		return post_sql(client, lookup_sql,
			json_string(names->lookups[next_random(random) % names->lookup_count]));
	case REPORT:
		return ask_report(client, names, random);
	default:
		return post(client, usage_document, NULL);
	}
}

/* ---- being there ---- */

int client_open(struct client *client, enum role role, unsigned number, struct http_conn *control)
{
	bool is_lookup = role == LOOKUP;

	*client = (struct client){.conn = HTTP_CONN_INIT, .role = role, .asked = number};
	if (role != SAMPLER) {
		client->session = create_session(control, 1000 + number,
			is_lookup ? "shop" : "reporting", is_lookup ? INTERACTIVE : BATCH);
		if (!client->session)
			return -1;
	}
	if (http_open(&client->conn, control->port) == 0)
		return 0;
	fprintf(stderr, "reeve-demo: cannot connect: %s\n", strerror(errno));
	return -1;
}

void client_end_session(struct client *client, struct http_conn *control)
{
	end_session(control, client->session);
	client->session = 0;
}
