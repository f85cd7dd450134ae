/* SPDX-License-Identifier: Apache-2.0 */
/* rule_code.c - conditions checked and encoded, decoded, and written as text. */
#include "rule_code.h"

#include "regex.h"

/* Names of the kinds as the API has them. */
static const char *const kind_names[] = {"username", "usernamePattern", "programName",
	"programNamePattern", "machineName", "machineNamePattern", "serviceName",
	"serviceNamePattern", "moduleName", "moduleNamePattern", "actionName", "actionNamePattern",
	"userId", "timeOfDay", "dayOfWeek", "and", "or", "not"};

#define DAY_S 86400u

/* ---- encoding ---- */

struct encoder {
	uint32_t *program;
	uint32_t capacity, n, nodes;
	struct reeve__rule_zones *zones;
	struct reeve_error *err;
};

/* Room for more words, or an error with the sizes. */
static int make_room(struct encoder *e, uint32_t words)
{
	if (words <= e->capacity - e->n)
		return 0;
	return reeve__fail(e->err, REEVE_EINVALID_ARGUMENT,
		"the condition takes more than %u bytes, at node %u; allowed are %u",
		(e->n + words) * 4 - 4, e->nodes, e->capacity * 4);
}

static int refuse(struct encoder *e, const struct reeve_condition *c, const char *field,
	unsigned long long value, const char *allowed)
{
	return reeve__fail(e->err, REEVE_EINVALID_ARGUMENT,
		"%s of condition node %u: %s is %llu; "
		"allowed are %s",
		kind_names[c->kind], e->nodes, field, value, allowed);
}

static int encode_regex(struct encoder *e, const struct reeve_condition *c)
{
	uint32_t program[REEVE_REGEX_WORDS];
	int words = reeve__regex_compile(c->text, c->ignore_case, program, e->err), rc;

	if (words < 0)
		return words;
	if ((rc = make_room(e, (uint32_t)words)))
		return rc;
	memcpy(e->program + e->n, program, (size_t)words * 4);
	e->n += (uint32_t)words;
	return 0;
}

static int encode_text(struct encoder *e, const struct reeve_condition *c, uint32_t *head)
{
	bool is_pattern = c->kind % 2 == 1;
	uint32_t length, words;
	int rc = reeve__text_check(
		c->text, REEVE_CONDITION_TEXT, false, kind_names[c->kind], e->err);

	if (!rc && is_pattern && c->syntax > REEVE_PATTERN_REGEX)
		rc = refuse(e, c, "syntax", c->syntax, "0 (CONTAINS) to 4 (REGEX)");
	if (rc)
		return rc;
	length = (uint32_t)strlen(c->text);
	words = reeve__rule_text_words(length);
	if ((rc = make_room(e, 1 + words)))
		return rc;
	if (is_pattern)
		*head |= c->syntax << 8 |
			 (c->ignore_case ? (uint32_t)REEVE__NODE_IGNORE_CASE << 16 : 0);
	e->program[e->n] = length;
	if (words)
		e->program[e->n + words] = 0;
	memcpy(e->program + e->n + 1, c->text, length);
	e->n += 1 + words;
	return is_pattern && c->syntax == REEVE_PATTERN_REGEX ? encode_regex(e, c) : 0;
}

/* Place of a zone in the list of those that the condition names. */
static int encode_zone(struct encoder *e, const struct reeve_condition *c, uint32_t *head)
{
	const char *name = c->zone ? c->zone : "";
	struct reeve__rule_zones *z = e->zones;
	uint32_t i = 0;

	if (*name && !reeve__zone_name_ok(name))
		return reeve__fail(e->err, REEVE_EINVALID_ARGUMENT,
			"%s of condition node %u: time zone \"%.64s\" is malformed; names are such "
			"as Europe/Berlin",
			kind_names[c->kind], e->nodes, name);
	while (i < z->count && strcmp(z->names[i], name) != 0)
		i++;
	if (i == REEVE_RULE_ZONES_OF_ONE)
		return reeve__fail(e->err, REEVE_EINVALID_ARGUMENT,
			"the condition names more than %u time zones", REEVE_RULE_ZONES_OF_ONE);
	if (i == z->count)
		reeve__text_copy(z->names[z->count++], REEVE_ZONE_NAME_MAX, name);
	*head |= i << 24;
	return 0;
}

static int encode_numbers(
	struct encoder *e, const struct reeve_condition *c, uint32_t *head, uint32_t a, uint32_t b)
{
	uint32_t words = c->kind == REEVE_CONDITION_DAY_OF_WEEK ? 1 : 2;
	int rc = c->kind == REEVE_CONDITION_USER_ID ? 0 : encode_zone(e, c, head);

	if (!rc)
		rc = make_room(e, words);
	if (rc)
		return rc;
	e->program[e->n] = a;
	if (words == 2)
		e->program[e->n + 1] = b;
	e->n += words;
	return 0;
}

static int encode_leaf(struct encoder *e, const struct reeve_condition *c, uint32_t *head)
{
	switch (c->kind) {
	case REEVE_CONDITION_USER_ID:
		if (c->user_id == 0)
			return refuse(e, c, "userId", 0, "1 to 18446744073709551615");
		return encode_numbers(
			e, c, head, (uint32_t)c->user_id, (uint32_t)(c->user_id >> 32));
	case REEVE_CONDITION_TIME_OF_DAY:
		if (c->start_s >= DAY_S)
			return refuse(e, c, "start in seconds", c->start_s, "0 to 86399");
		if (c->end_s > DAY_S)
			return refuse(e, c, "end in seconds", c->end_s, "0 to 86400");
		return encode_numbers(e, c, head, c->start_s, c->end_s);
	case REEVE_CONDITION_DAY_OF_WEEK:
		if (c->days == 0 || c->days > 0x7f)
			return refuse(e, c, "the set of days", c->days,
				"1 to 127, bit 0 for Sunday to bit 6 for Saturday");
		return encode_numbers(e, c, head, c->days, 0);
	default:
		return encode_text(e, c, head);
	}
}

static int encode_node(struct encoder *e, const struct reeve_condition *c, uint32_t level);

static int encode_operands(struct encoder *e, const struct reeve_condition *c, uint32_t level)
{
	int rc = make_room(e, 1);

	if (c->kind == REEVE_CONDITION_NOT && c->count != 1)
		return refuse(e, c, "the number of operands", c->count, "1");
	if (c->count && !c->operands)
		return reeve__fail(e->err, REEVE_EINVALID_ARGUMENT,
			"%s of condition node %u: operands is NULL", kind_names[c->kind], e->nodes);
	if (!rc)
		e->program[e->n++] = c->count;
	for (uint32_t i = 0; !rc && i < c->count; i++)
		rc = encode_node(e, &c->operands[i], level + 1);
	return rc;
}

static int encode_node(struct encoder *e, const struct reeve_condition *c, uint32_t level)
{
	uint32_t at = e->n, head = c->kind;
	int rc;

	if (c->kind > REEVE_CONDITION_NOT)
		return reeve__fail(e->err, REEVE_EINVALID_ARGUMENT,
			"condition node %u: kind is %u; allowed are 0 to %d", e->nodes + 1, c->kind,
			REEVE_CONDITION_NOT);
	if (level > REEVE_CONDITION_LEVELS)
		return reeve__fail(e->err, REEVE_EINVALID_ARGUMENT,
			"the condition has more than %d levels", REEVE_CONDITION_LEVELS);
	if (e->nodes == REEVE_CONDITION_NODES)
		return reeve__fail(e->err, REEVE_EINVALID_ARGUMENT,
			"the condition has more than %d nodes", REEVE_CONDITION_NODES);
	e->nodes++;
	if ((rc = make_room(e, 2)))
		return rc;
	e->n += 2;
	rc = reeve__rule_has_operands(c->kind) ? encode_operands(e, c, level)
					       : encode_leaf(e, c, &head);
	e->program[at] = head;
	e->program[at + 1] = e->n - at;
	return rc;
}

int reeve__rule_encode(const struct reeve_condition *condition, uint32_t *program,
	uint32_t capacity_words, struct reeve__rule_zones *ret_zones, struct reeve_error *err)
{
	struct encoder e = {
		.program = program, .capacity = capacity_words, .zones = ret_zones, .err = err};
	int rc;

	ret_zones->count = 0;
	rc = encode_node(&e, condition, 1);
	return rc ? rc : (int)e.n;
}

/* ---- zones ---- */

/* The node after this one in prefix order: its first operand, else what follows it. */
static uint32_t next_node(const uint32_t *program, uint32_t words, uint32_t at)
{
	uint32_t size = reeve__rule_node_words(program, words, at);

	if (size == 0)
		return words;
	return at + (reeve__rule_has_operands(REEVE__NODE_KIND(program[at])) ? 3 : size);
}

static bool has_zone(const uint32_t *program, uint32_t words, uint32_t at)
{
	uint32_t kind = REEVE__NODE_KIND(program[at]);

	return reeve__rule_node_words(program, words, at) &&
	       (kind == REEVE_CONDITION_TIME_OF_DAY || kind == REEVE_CONDITION_DAY_OF_WEEK);
}

void reeve__rule_renumber_zones(uint32_t *program, uint32_t words, const uint8_t *numbers)
{
	for (uint32_t at = 0; at < words; at = next_node(program, words, at))
		if (has_zone(program, words, at))
			program[at] = (program[at] & 0xffffffu) |
				      (uint32_t)numbers[REEVE__NODE_ZONE(program[at]) %
							REEVE_RULE_ZONES_OF_ONE]
					      << 24;
}

uint64_t reeve__rule_zone_mask(const uint32_t *program, uint32_t words)
{
	uint64_t mask = 0;

	for (uint32_t at = 0; at < words; at = next_node(program, words, at))
		if (has_zone(program, words, at))
			mask |= UINT64_C(1) << (REEVE__NODE_ZONE(program[at]) % REEVE_RULE_ZONES);
	return mask;
}

/* ---- decoding ---- */

struct decoder {
	const uint32_t *program;
	uint32_t words;
	reeve__rule_zone_name zone_name;
	void *arg;
	struct reeve_condition_copy *to;
	uint32_t nodes;
	size_t text;
	bool damaged;
	/* zones whose names are copied already */
	uint32_t zone_count, zones[REEVE_RULE_ZONES_OF_ONE];
	const char *zone_texts[REEVE_RULE_ZONES_OF_ONE];
};

static const char *copy_text(struct decoder *d, const char *text, size_t length)
{
	char *to = d->to->texts + d->text;

	if (length >= sizeof(d->to->texts) - d->text) {
		d->damaged = true;
		return "";
	}
	memcpy(to, text, length);
	to[length] = 0;
	d->text += length + 1;
	return to;
}

static const char *copy_zone(struct decoder *d, uint32_t zone)
{
	const char *name;

	for (uint32_t i = 0; i < d->zone_count; i++)
		if (d->zones[i] == zone)
			return d->zone_texts[i];
	if (d->zone_count == REEVE_RULE_ZONES_OF_ONE) {
		d->damaged = true;
		return "";
	}
	name = d->zone_name(d->arg, zone);
	d->zones[d->zone_count] = zone;
	d->zone_texts[d->zone_count] = copy_text(d, name, strnlen(name, REEVE_ZONE_NAME_MAX - 1));
	return d->zone_texts[d->zone_count++];
}

static void decode_leaf(struct decoder *d, uint32_t at, uint32_t size, struct reeve_condition *c)
{
	const uint32_t *node = d->program + at;

	c->syntax = REEVE__NODE_SYNTAX(node[0]);
	c->ignore_case = (REEVE__NODE_FLAGS(node[0]) & REEVE__NODE_IGNORE_CASE) != 0;
	if (c->kind < REEVE_CONDITION_USER_ID) {
		uint32_t length = size > 2 ? node[2] : UINT32_MAX;
		d->damaged |=
			length >= REEVE_CONDITION_TEXT || 3 + reeve__rule_text_words(length) > size;
		if (!d->damaged)
			c->text = copy_text(d, (const char *)(node + 3), length);
		return;
	}
	if (size < (c->kind == REEVE_CONDITION_DAY_OF_WEEK ? 3u : 4u)) {
		d->damaged = true;
		return;
	}
	if (c->kind == REEVE_CONDITION_USER_ID) {
		c->user_id = node[2] | (uint64_t)node[3] << 32;
		return;
	}
	if (c->kind == REEVE_CONDITION_DAY_OF_WEEK) {
		c->days = node[2];
	} else {
		c->start_s = node[2];
		c->end_s = node[3];
	}
	c->zone = copy_zone(d, REEVE__NODE_ZONE(node[0]));
}

static void decode_node(
	struct decoder *d, uint32_t at, uint32_t size, uint32_t depth, struct reeve_condition *c)
{
	uint32_t count, first, child = at + 3;

	memset(c, 0, sizeof(*c));
	c->kind = REEVE__NODE_KIND(d->program[at]);
	if (c->kind > REEVE_CONDITION_NOT || depth == 0) {
		d->damaged = true;
		return;
	}
	if (!reeve__rule_has_operands(c->kind)) {
		decode_leaf(d, at, size, c);
		return;
	}
	count = size > 2 ? d->program[at + 2] : UINT32_MAX;
	if (count > REEVE_CONDITION_NODES - d->nodes) {
		d->damaged = true;
		return;
	}
	first = d->nodes;
	d->nodes += count;
	c->count = count;
	c->operands = count ? &d->to->nodes[first] : NULL;
	for (uint32_t i = 0; i < count && !d->damaged; i++) {
		uint32_t words = reeve__rule_node_words(d->program, at + size, child);
		if (words == 0) {
			d->damaged = true;
			return;
		}
		decode_node(d, child, words, depth - 1, &d->to->nodes[first + i]);
		child += words;
	}
}

int reeve__rule_decode(const uint32_t *program, uint32_t words, reeve__rule_zone_name zone_name,
	void *arg, struct reeve_condition_copy *ret, struct reeve_error *err)
{
	struct decoder d = {.program = program,
		.words = words,
		.zone_name = zone_name,
		.arg = arg,
		.to = ret,
		.nodes = 1};
	uint32_t size = reeve__rule_node_words(program, words, 0);

	if (size)
		decode_node(&d, 0, size, REEVE_CONDITION_LEVELS, &ret->nodes[0]);
	if (size == 0 || d.damaged)
		return reeve__fail(err, REEVE_EINTERNAL, "the rule's condition is damaged");
	return (int)d.nodes;
}

/* ---- text ---- */

struct pen {
	char *to;
	size_t size, length;
};

static void say_char(struct pen *p, char c)
{
	if (p->length + 1 < p->size)
		p->to[p->length] = c;
	p->length++;
}

static void say(struct pen *p, const char *text)
{
	while (*text)
		say_char(p, *text++);
}

static void say_quoted(struct pen *p, const char *text)
{
	say_char(p, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			say_char(p, '\\');
		say_char(p, *text);
	}
	say_char(p, '"');
}

static void say_number(struct pen *p, uint64_t n, unsigned digits)
{
	char text[24];
	unsigned i = sizeof(text);

	do {
		text[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n || sizeof(text) - i < digits);
	while (i < sizeof(text))
		say_char(p, text[i++]);
}

static void say_time(struct pen *p, uint32_t s)
{
	say_number(p, s / 3600, 2);
	say_char(p, ':');
	say_number(p, s / 60 % 60, 2);
	if (s % 60 == 0)
		return;
	say_char(p, ':');
	say_number(p, s % 60, 2);
}

static void say_days(struct pen *p, uint32_t days)
{
	static const char *const names[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	bool first = true;

	for (uint32_t i = 0; i < 7; i++) {
		if (!(days >> i & 1))
			continue;
		say(p, first ? "" : ",");
		say(p, names[i]);
		first = false;
	}
}

static void say_leaf(struct pen *p, const struct reeve_condition *c)
{
	static const char *const names[] = {
		"username", "program", "machine", "service", "module", "action"};
	static const char *const verbs[] = {
		" contains ", " prefix ", " suffix ", " glob ", " regex "};

	if (c->kind < REEVE_CONDITION_USER_ID) {
		say(p, names[c->kind / 2]);
		say(p, c->kind % 2 == 0 ? " = " : verbs[c->syntax % REEVE_COUNT(verbs)]);
		say_quoted(p, c->text);
		say(p, c->kind % 2 && c->ignore_case ? " ignoring case" : "");
		return;
	}
	if (c->kind == REEVE_CONDITION_USER_ID) {
		say(p, "userId = ");
		say_number(p, c->user_id, 1);
		return;
	}
	if (c->kind == REEVE_CONDITION_TIME_OF_DAY) {
		say(p, "time in ");
		say_time(p, c->start_s);
		say_char(p, '-');
		say_time(p, c->end_s);
	} else {
		say(p, "day in ");
		say_days(p, c->days);
	}
	if (c->zone && *c->zone) {
		say_char(p, ' ');
		say(p, c->zone);
	}
}

static void say_node(struct pen *p, const struct reeve_condition *c, bool inside)
{
	bool is_list = c->kind == REEVE_CONDITION_AND || c->kind == REEVE_CONDITION_OR;
	bool brackets = inside && is_list && c->count > 1;

	if (!reeve__rule_has_operands(c->kind)) {
		say_leaf(p, c);
		return;
	}
	if (c->kind == REEVE_CONDITION_NOT)
		say(p, "not ");
	if (is_list && c->count == 0)
		say(p, c->kind == REEVE_CONDITION_AND ? "true" : "false");
	say(p, brackets ? "(" : "");
	for (uint32_t i = 0; i < c->count; i++) {
		if (i)
			say(p, c->kind == REEVE_CONDITION_AND ? " and " : " or ");
		say_node(p, &c->operands[i],
			c->kind == REEVE_CONDITION_NOT || c->count > 1 || inside);
	}
	say(p, brackets ? ")" : "");
}

size_t reeve__rule_text(const struct reeve_condition *condition, char *to, size_t size)
{
	struct pen p = {to, size, 0};

	say_node(&p, condition, false);
	if (size)
		to[p.length < size ? p.length : size - 1] = 0;
	return p.length;
}
