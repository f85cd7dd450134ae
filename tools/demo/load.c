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

volatile sig_atomic_t load_stop;

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

static int64_t think_us(struct load *load)
{
	double chance = (double)(next_random(&load->random) >> 11) / 9007199254740992.0;

	return (int64_t)(-MEAN_THINK_US * log(1.0 - chance));
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
	unsigned number = load->count++;

	return client_open(&load->clients[number], role, number, load->options->control);
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
		client_end_session(&load->clients[i], load->options->control);
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
		if (client->next_us <= now_us &&
			client_ask(client, load->options->names, &load->random) != 0)
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

/* CPU of the server and of this process, which is all clients. */
static int64_t all_cpu_us(const struct load *load)
{
	struct timespec own;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
	return server_cpu_us(load->options->server) + own.tv_sec * SECOND_US + own.tv_nsec / 1000;
}

static int run_phase(struct load *load)
{
	int64_t begun_us = clock_us(), all_us = 0;

	show_head();
	for (unsigned second = 0; second <= load->options->seconds; second++) {
		if (run_second(load, begun_us + (second + 1) * SECOND_US) != 0)
			return -1;
		show_second(load, second);
		if (second == 0) {
			load->first.at_us = 0; /* begins with the next sample */
			all_us = all_cpu_us(load);
		}
		load->is_measured = true;
	}
	load->result->seconds = load->options->seconds;
	load->result->cpu_all = (double)(all_cpu_us(load) - all_us) / (load->result->seconds * 1e6);
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
