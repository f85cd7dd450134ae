/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - see load.h. */
#include "load.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "graphql.h"

#define MAX_CLIENTS   32
#define MEAN_THINK_US 2000.0
#define SECOND_US     ((int64_t)1000000)
#define SAMPLE_US     ((int64_t)250000)
#define INTERACTIVE   2
#define BATCH	      3
#define LOOKUP_NAMES  5000
#define ROOT_NAMES    40
/* Parts that the third report is cut into. */
#define PAIR_PARTS 20

volatile sig_atomic_t load_stop;

/* What a shop or a help desk asks all day: one package by its name. */
static const char lookup_sql[] =
	"SELECT p.name, p.section, p.summary, v.version, v.installed_kb,"
	" (SELECT count(*) FROM dependencies d WHERE d.package_id = p.id AND d.kind = 'depends')"
	" FROM packages p JOIN versions v ON v.package_id = p.id WHERE p.name = ?1";

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

enum role { LOOKUP, REPORT, SAMPLER };

struct client {
	struct http_conn conn;
	enum role role;
	uint64_t session;
	bool is_busy;
	int64_t since_us; /* when it asked */
	int64_t next_us;  /* when it asks again */
	unsigned asked;
};

/* CPU nanoseconds of both groups, as of an instant. */
struct usage {
	int64_t at_us;
	uint64_t lookups_ns, reports_ns;
};

struct load {
	const struct load_options *options;
	struct load_result *result;
	struct client clients[MAX_CLIENTS];
	unsigned count;
	uint64_t random;
	bool is_measured; /* the first second is over */
	struct samples second_lookups, second_reports;
	struct usage first, last, shown;
};

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

/* xorshift64: the same requests in every run. */
static uint64_t next_random(struct load *load)
{
	load->random ^= load->random << 13;
	load->random ^= load->random >> 7;
	load->random ^= load->random << 17;
	return load->random;
}

static int64_t think_us(struct load *load)
{
	double chance = (double)(next_random(load) >> 11) / 9007199254740992.0;

	return (int64_t)(-MEAN_THINK_US * log(1.0 - chance));
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
static int ask_report(struct load *load, struct client *client)
{
	const struct load_names *names = load->options->names;
	unsigned turn = client->asked++;

	switch (turn % 3) {
	case 0:
		return post_sql(client, needed_by_sql,
			json_string(names->roots[next_random(load) % names->root_count]));
	case 1:
		return post_sql(client, sections_sql, json_integer(1));
	default:
		return post_sql(client, pairs_sql,
			json_integer((json_int_t)(next_random(load) % PAIR_PARTS)));
	}
}

static int ask(struct load *load, struct client *client)
{
	const struct load_names *names = load->options->names;

	switch (client->role) {
	case LOOKUP:
		return post_sql(client, lookup_sql,
			json_string(names->lookups[next_random(load) % names->lookup_count]));
	case REPORT:
		return ask_report(load, client);
	default:
		return post(client, usage_document, NULL);
	}
}

/* ---- answers ---- */

static void take_usage(struct load *load, const char *body, int64_t now_us)
{
	const char *reports = strstr(body, "\"reports\"");

	load->last = (struct usage){now_us, json_text_number(body, "cpuTimeUsed"),
		reports ? json_text_number(reports, "cpuTimeUsed") : 0};
	if (!load->first.at_us)
		load->first = load->last;
	if (!load->shown.at_us)
		load->shown = load->last;
}

/* Cores used between two instants by statements, of look-ups and of reports. */
static void cores_between(
	const struct usage *from, const struct usage *to, double *ret_lookups, double *ret_reports)
{
	double ns = (double)(to->at_us - from->at_us) * 1000;

	*ret_lookups = ns > 0 ? (double)(to->lookups_ns - from->lookups_ns) / ns : 0;
	*ret_reports = ns > 0 ? (double)(to->reports_ns - from->reports_ns) / ns : 0;
}

static void note_error(struct load *load, const struct client *client)
{
	if (load->result->errors++ == 0)
		fprintf(stderr, "reeve-demo: answered: %d %.400s\n", client->conn.status,
			http_body(&client->conn));
}

static void take_answer(struct load *load, struct client *client)
{
	const char *body = http_body(&client->conn);
	int64_t now_us = clock_us(), took_us = now_us - client->since_us;
	bool is_lookup = client->role == LOOKUP;

	client->is_busy = false;
	client->next_us = now_us + (is_lookup ? think_us(load) : 0);
	if (client->conn.status != 200 || strstr(body, "\"errors\"")) {
		note_error(load, client);
		return;
	}
	if (client->role == SAMPLER) {
		take_usage(load, body, now_us);
		client->next_us = now_us + SAMPLE_US;
		return;
	}
	samples_add(is_lookup ? &load->second_lookups : &load->second_reports, took_us);
	if (load->is_measured)
		samples_add(is_lookup ? &load->result->lookups : &load->result->reports, took_us);
}

/* ---- a line a second ---- */

static void show_head(void)
{
	printf("   second   look-ups/s   p50 ms   p99 ms   reports/s    CPU look-ups   CPU "
	       "reports\n");
}

static void show_second(struct load *load, unsigned second)
{
	double cores = load->options->cores, cpu_lookups, cpu_reports;

	cores_between(&load->shown, &load->last, &cpu_lookups, &cpu_reports);
	load->shown = load->last;
	printf("   %6u   %10zu   %6.2f   %6.2f   %9zu   %10.1f %%   %9.1f %%%s\n", second,
		load->second_lookups.count, samples_ms(&load->second_lookups, 500),
		samples_ms(&load->second_lookups, 990), load->second_reports.count,
		100 * cpu_lookups / cores, 100 * cpu_reports / cores,
		load->is_measured ? "" : "   (settling, not counted)");
	fflush(stdout);
	load->second_lookups.count = load->second_reports.count = 0;
}

/* ---- one phase ---- */

static int add_client(struct load *load, enum role role)
{
	struct client *client = &load->clients[load->count];
	bool is_lookup = role == LOOKUP;

	*client = (struct client){.conn = HTTP_CONN_INIT, .role = role, .asked = load->count};
	load->count++;
	if (role != SAMPLER) {
		client->session = create_session(load->options->control, 1000 + load->count,
			is_lookup ? "shop" : "reporting", is_lookup ? INTERACTIVE : BATCH);
		if (!client->session)
			return -1;
	}
	if (http_open(&client->conn, load->options->control->port) == 0)
		return 0;
	fprintf(stderr, "reeve-demo: cannot connect: %s\n", strerror(errno));
	return -1;
}

static int add_clients(struct load *load)
{
	const struct load_options *options = load->options;

	if (options->lookup_clients + options->report_clients + 1 > MAX_CLIENTS)
		return -1;
	if (add_client(load, SAMPLER) != 0)
		return -1;
	for (unsigned i = 0; i < options->lookup_clients; i++)
		if (add_client(load, LOOKUP) != 0)
			return -1;
	for (unsigned i = 0; i < options->report_clients; i++)
		if (add_client(load, REPORT) != 0)
			return -1;
	return 0;
}

/* Hangs up first, which cancels what still runs, and then ends the sessions. */
static void remove_clients(struct load *load)
{
	for (unsigned i = 0; i < load->count; i++)
		http_close(&load->clients[i].conn);
	for (unsigned i = 0; i < load->count; i++)
		end_session(load->options->control, load->clients[i].session);
}

static int fail_client(const struct client *client)
{
	static const char *const names[] = {"look-up", "report", "statistics"};

	fprintf(stderr, "reeve-demo: a %s request broke: %s\n", names[client->role],
		strerror(errno));
	return -1;
}

/* Everyone whose time has come asks. *ret_wake_us: when the next one's time comes. */
static int ask_all(struct load *load, int64_t *ret_wake_us)
{
	int64_t now_us = clock_us();

	for (unsigned i = 0; i < load->count; i++) {
		struct client *client = &load->clients[i];
		if (client->is_busy)
			continue;
		if (client->next_us <= now_us && ask(load, client) != 0)
			return fail_client(client);
		if (!client->is_busy && client->next_us < *ret_wake_us)
			*ret_wake_us = client->next_us;
	}
	return 0;
}

static int wait_and_take(struct load *load, int64_t wake_us)
{
	struct pollfd ready[MAX_CLIENTS];
	int64_t left_us = wake_us - clock_us();
	struct timespec timeout = {0};

	if (left_us > 0)
		timeout = (struct timespec){left_us / SECOND_US, (left_us % SECOND_US) * 1000};
	for (unsigned i = 0; i < load->count; i++) {
		struct client *client = &load->clients[i];
		short events = (short)(POLLIN | (http_wants_write(&client->conn) ? POLLOUT : 0));
		ready[i] = (struct pollfd){client->is_busy ? client->conn.fd : -1, events, 0};
	}
	if (ppoll(ready, load->count, &timeout, NULL) <= 0)
		return 0; /* the time has come, or a signal */
	for (unsigned i = 0; i < load->count; i++) {
		struct client *client = &load->clients[i];
		int done = ready[i].revents ? http_step(&client->conn) : 0;
		if (done < 0)
			return fail_client(client);
		if (done > 0)
			take_answer(load, client);
	}
	return 0;
}

static int run_second(struct load *load, int64_t end_us)
{
	while (clock_us() < end_us && !load_stop) {
		int64_t wake_us = end_us;
		if (ask_all(load, &wake_us) != 0 || wait_and_take(load, wake_us) != 0)
			return -1;
	}
	return load_stop ? -1 : 0;
}

static int run_phase(struct load *load)
{
	int64_t begun_us = clock_us();

	show_head();
	for (unsigned second = 0; second <= load->options->seconds; second++) {
		if (run_second(load, begun_us + (second + 1) * SECOND_US) != 0)
			return -1;
		show_second(load, second);
		if (second == 0)
			load->first.at_us = 0; /* begins with the next sample */
		load->is_measured = true;
	}
	load->result->seconds = load->options->seconds;
	cores_between(
		&load->first, &load->last, &load->result->cpu_lookups, &load->result->cpu_reports);
	return 0;
}

int load_run(const struct load_options *options, struct load_result *ret_result)
{
	struct load *load = calloc(1, sizeof(*load));
	int result = -1;

	if (!load)
		return -1;
	load->options = options;
	load->result = ret_result;
	load->random = 0x9e3779b97f4a7c15u;
	if (add_clients(load) == 0)
		result = run_phase(load);
	remove_clients(load);
	samples_fini(&load->second_lookups);
	samples_fini(&load->second_reports);
	free(load);
	return result;
}

void load_result_fini(struct load_result *result)
{
	samples_fini(&result->lookups);
	samples_fini(&result->reports);
}
