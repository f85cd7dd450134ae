/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse_expect.c - expect METRIC [EVENT] [GROUP] [max|mean|pNN] [of P%] [from T to T] [every T] OP VALUE
 * [within V]: which parts a metric takes is a row of a table.
 */
#include "parse.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reeve/event.h>

enum { NO_GROUP, MAY_GROUP, MUST_GROUP };
enum {
	HAS_STATISTIC = 1,
	HAS_OF = 2,
	HAS_RANGE = 4,
	HAS_WINDOW = 8,
	HAS_EVENT = 16,
};

static const struct metric {
	const char *name;
	enum scn_metric metric;
	enum scn_unit unit;
	int group;
	int parts;
} metrics[] = {
	{"share", SCN_SHARE, SCN_PERCENT, MUST_GROUP, HAS_RANGE | HAS_WINDOW},
	{"usage", SCN_USAGE, SCN_PERCENT, MUST_GROUP, HAS_RANGE | HAS_WINDOW},
	{"utilization", SCN_UTILIZATION, SCN_PERCENT, NO_GROUP, HAS_RANGE | HAS_WINDOW},
	{"lead", SCN_LEAD, SCN_TIME, MUST_GROUP, HAS_RANGE | HAS_OF},
	{"lag", SCN_LAG, SCN_TIME, MUST_GROUP, HAS_RANGE | HAS_OF},
	{"gap", SCN_GAP, SCN_TIME, MUST_GROUP, HAS_RANGE},
	{"wait", SCN_WAIT, SCN_TIME, MAY_GROUP, HAS_RANGE | HAS_STATISTIC},
	{"park", SCN_PARK, SCN_TIME, MAY_GROUP, HAS_RANGE | HAS_STATISTIC},
	{"latency", SCN_LATENCY, SCN_TIME, MAY_GROUP, HAS_RANGE | HAS_STATISTIC},
	{"idle-wait", SCN_IDLE_WAIT, SCN_TIME, MAY_GROUP, HAS_RANGE},
	{"statements", SCN_STATEMENTS, SCN_COUNT, MAY_GROUP, HAS_RANGE},
	{"parks", SCN_PARKS, SCN_COUNT, MAY_GROUP, HAS_RANGE},
	{"shield-parks", SCN_SHIELD_PARKS, SCN_COUNT, MAY_GROUP, HAS_RANGE},
	{"timeouts", SCN_TIMEOUTS, SCN_COUNT, MAY_GROUP, HAS_RANGE},
	{"cancels", SCN_CANCELS, SCN_COUNT, MAY_GROUP, HAS_RANGE},
	{"charged", SCN_CHARGED, SCN_PERCENT, MUST_GROUP, 0},
	{"queue-timeouts", SCN_QUEUE_TIMEOUTS, SCN_COUNT, MAY_GROUP, HAS_RANGE},
	{"refusals", SCN_REFUSALS, SCN_COUNT, MAY_GROUP, HAS_RANGE},
	{"kills", SCN_KILLS, SCN_COUNT, MAY_GROUP, HAS_RANGE},
	{"active", SCN_ACTIVE, SCN_COUNT, MUST_GROUP, HAS_RANGE},
	{"servers", SCN_SERVERS, SCN_COUNT, MUST_GROUP, HAS_RANGE},
	{"degree", SCN_DEGREE, SCN_COUNT, MAY_GROUP, HAS_RANGE | HAS_STATISTIC},
	{"memory", SCN_MEMORY_USE, SCN_BYTES, MAY_GROUP, HAS_RANGE | HAS_STATISTIC},
	{"io-share", SCN_IO_SHARE, SCN_PERCENT, MUST_GROUP, HAS_RANGE | HAS_WINDOW},
	{"io-rate", SCN_IO_RATE, SCN_BYTES, MAY_GROUP, HAS_RANGE | HAS_WINDOW},
	{"iops", SCN_IOPS, SCN_COUNT, MAY_GROUP, HAS_RANGE | HAS_WINDOW},
	{"io-wait", SCN_IO_WAIT, SCN_TIME, MAY_GROUP, HAS_RANGE | HAS_STATISTIC},
	{"io-latency", SCN_IO_LATENCY, SCN_TIME, MAY_GROUP, HAS_RANGE | HAS_STATISTIC},
	{"events", SCN_EVENTS, SCN_COUNT, MAY_GROUP, HAS_RANGE | HAS_EVENT},
	{"overrun", SCN_OVERRUN, SCN_TIME, MAY_GROUP, HAS_RANGE | HAS_STATISTIC | HAS_EVENT},
};

static const struct metric *read_metric(struct lex *lex)
{
	char text[360] = "a metric (";
	size_t count = sizeof(metrics) / sizeof(metrics[0]);

	for (size_t i = 0; i < count; i++) {
		if (lex_accept(lex, metrics[i].name))
			return &metrics[i];
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", metrics[i].name,
			i + 1 < count ? ", " : ")");
	}
	lex_fail(lex, text);
	return NULL;
}

static bool is_group(const struct lex *lex, const struct scenario *scenario)
{
	for (uint32_t i = 0; i < scenario->group_count && !lex_at_end(lex); i++) {
		if (strcmp(lex->word, scenario->groups[i].name) == 0)
			return true;
	}
	return false;
}

/* p50, p99, p99.9 */
static void read_quantile(struct lex *lex, struct scn_expect *expect)
{
	const char *word = lex_word(lex, "`max`, `mean` or a quantile such as p99");
	char *end = NULL;
	double percent = 0.0;

	if (word[0] == 'p' && isdigit((unsigned char)word[1]))
		percent = strtod(word + 1, &end);
	if (end == NULL || *end != '\0' || percent <= 0.0 || percent > 100.0)
		lex_complain(lex,
			"expected `max`, `mean` or a quantile such as p99, found "
			"`%.60s`",
			word);
	expect->statistic = SCN_QUANTILE;
	expect->quantile = percent / 100.0;
}

static void read_statistic(struct lex *lex, struct scn_expect *expect)
{
	if (lex_accept(lex, "max"))
		expect->statistic = SCN_MAX;
	else if (lex_accept(lex, "mean"))
		expect->statistic = SCN_MEAN;
	else
		read_quantile(lex, expect);
}

/* KIND or KIND/LIMIT, as the library names them: RUNAWAY_DETECTED/CPU_TIME */
static void read_event_name(struct lex *lex, struct scn_expect *expect)
{
	const char *word = lex_word(lex, "the name of a kind of event");
	size_t length = strcspn(word, "/");

	for (uint32_t i = 1; i <= REEVE_EVENT_LAST; i++) {
		const char *name = reeve_event_row_of(i)->name;

		if (strncmp(word, name, length) == 0 && name[length] == '\0')
			expect->event = i;
	}
	for (uint32_t i = 1; word[length] == '/' && reeve_limit_row_of(i) != NULL; i++) {
		if (strcmp(word + length + 1, reeve_limit_row_of(i)->name) == 0)
			expect->limit = i;
	}
	if (expect->event == 0 || (word[length] == '/' && expect->limit == 0))
		lex_complain(lex,
			"expected a kind of event of the library, or one with a limit as in "
			"RUNAWAY_DETECTED/CPU_TIME, found `%.60s`",
			word);
}

static reeve_ns read_cell_time(struct lex *lex, const char *wanted)
{
	reeve_ns ns = lex_time(lex, wanted, true);

	if (ns % REEVE_MSEC != 0)
		lex_complain(lex, "expected %s in whole milliseconds", wanted);
	return ns;
}

static void read_range(struct lex *lex, const struct metric *metric, struct scn_expect *expect)
{
	expect->to = REEVE_NEVER;
	if ((metric->parts & HAS_RANGE) && lex_accept(lex, "from")) {
		expect->from = read_cell_time(lex, "a time");
		lex_expect(lex, "to");
		expect->to = read_cell_time(lex, "a time");
	}
	if ((metric->parts & HAS_WINDOW) && lex_accept(lex, "every")) {
		expect->window_ns = read_cell_time(lex, "a time");
		if (expect->window_ns == 0)
			lex_complain(lex, "expected a window longer than nothing");
	}
}

static enum scn_relation read_relation(struct lex *lex)
{
	static const char *const words[] = {"<", "<=", ">", ">=", "="};

	for (size_t i = 0; i < 5; i++) {
		if (lex_accept(lex, words[i]))
			return (enum scn_relation)i;
	}
	lex_fail(lex, "<, <=, >, >= or =");
	return SCN_LESS;
}

static double read_value(struct lex *lex, enum scn_unit unit)
{
	switch (unit) {
	case SCN_PERCENT:
		return lex_decimal(lex, "a percentage", "%");
	case SCN_TIME:
		return (double)lex_time(lex, "a time", true);
	case SCN_BYTES:
		return (double)lex_size(lex, "a size");
	case SCN_COUNT:
		break;
	}
	return (double)lex_number(lex, "a count", 0, 1000000000);
}

void parse__expect(struct lex *lex, struct scenario *scenario, const char *text)
{
	const struct metric *metric = read_metric(lex);
	struct scn_expect expect = {.group = SCN_NONE, .line = lex->line}, *slot;

	if (metric == NULL)
		return;
	expect.metric = metric->metric;
	expect.unit = metric->unit;
	snprintf(expect.text, sizeof(expect.text), "%s", text + strspn(text, " \t"));
	expect.text[strcspn(expect.text, "#\r")] = '\0';
	if (metric->parts & HAS_EVENT)
		read_event_name(lex, &expect);
	if (metric->group == MUST_GROUP || (metric->group == MAY_GROUP && is_group(lex, scenario)))
		expect.group = parse__group(lex, scenario);
	if (metric->parts & HAS_STATISTIC)
		read_statistic(lex, &expect);
	if (metric->parts & HAS_OF) {
		lex_expect(lex, "of");
		expect.of_pct = lex_decimal(lex, "a share", "%");
	}
	read_range(lex, metric, &expect);
	expect.relation = read_relation(lex);
	expect.value = read_value(lex, metric->unit);
	if (expect.relation == SCN_EQUAL && (metric->unit != SCN_COUNT || !lex_at_end(lex))) {
		lex_expect(lex, "within");
		expect.within = read_value(lex, metric->unit);
	}
	lex_end(lex);
	slot = parse__append(
		lex, &scenario->expects, &scenario->expect_count, sizeof(*scenario->expects));
	if (slot != NULL)
		*slot = expect;
}
