/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regex.c - patterns parsed to a tree, trees written out as a program, programs run.
 *
 * A program: word 0 is the number of states, with the top bit set when case is ignored; then a word a
 * state, operation in the top byte and operand below; then the sets, each a word count * 2 + negated
 * and two words a range. Operands of SET count words from the first set.
 */
#include "regex.h"

enum op { MATCH, CHAR, ANY, SET, SPLIT, JUMP, BEGIN, END };

#define OP_SHIFT     24u
#define OPERAND_MASK UINT32_C(0xffffff)
#define IGNORE_CASE  (UINT32_C(1) << 31)
#define NODES	     400u
#define SET_WORDS    256u
#define REPEAT_MAX   255u
#define FOR_EVER     UINT32_MAX

static uint32_t lower(uint32_t c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static uint32_t upper(uint32_t c)
{
	return c >= 'a' && c <= 'z' ? c - 32 : c;
}

uint32_t reeve__utf8_next(const char *text, size_t length, size_t *ret_length)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 1;
	uint32_t c = p[0];

	*ret_length = 1;
	if (n == 1 || n > length)
		return c;
	c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return p[0];
		c = c << 6 | (p[i] & 0x3f);
	}
	*ret_length = n;
	return c;
}

/* ---- parsing ---- */

enum kind { EMPTY, LEAF, CAT, ALT, REPEAT };

struct node {
	uint16_t kind, a, b;
	uint16_t at; /* byte of the pattern, for errors */
	uint32_t low, high;
	uint32_t word; /* LEAF: the state */
};

struct parser {
	const char *pattern;
	size_t length, at;
	bool ignore_case;
	int depth;
	uint32_t nodes, set_words;
	struct node node[NODES];
	uint32_t sets[SET_WORDS];
	struct reeve_error *err;
	int rc;
};

static uint32_t fault(struct parser *p, size_t at, const char *what)
{
	if (!p->rc)
		p->rc = reeve__fail(p->err, REEVE_EINVALID_ARGUMENT,
			"regular expression \"%.128s\": %s at byte %zu", p->pattern, what, at);
	return 0;
}

static uint32_t new_node(struct parser *p, enum kind kind, uint32_t a, uint32_t b)
{
	uint32_t i = p->nodes;

	if (i == NODES)
		return fault(p, p->at, "too long");
	p->nodes++;
	p->node[i] = (struct node){
		.kind = (uint16_t)kind, .a = (uint16_t)a, .b = (uint16_t)b, .at = (uint16_t)p->at};
	return i;
}

static uint32_t leaf(struct parser *p, enum op op, uint32_t operand)
{
	uint32_t i = new_node(p, LEAF, 0, 0);

	p->node[i].word = (uint32_t)op << OP_SHIFT | operand;
	return i;
}

static bool more(const struct parser *p)
{
	return p->at < p->length && !p->rc;
}

static char peek(const struct parser *p)
{
	return more(p) ? p->pattern[p->at] : 0;
}

static uint32_t next_char(struct parser *p)
{
	size_t n;
	uint32_t c = reeve__utf8_next(p->pattern + p->at, p->length - p->at, &n);

	p->at += n;
	return c;
}

static void add_range(struct parser *p, uint32_t low, uint32_t high)
{
	if (p->set_words + 2 > SET_WORDS) {
		fault(p, p->at, "too many sets of characters");
		return;
	}
	p->sets[p->set_words++] = low;
	p->sets[p->set_words++] = high;
}

/* Ranges of a class by name, as pairs of ASCII. */
static const char *class_ranges(const char *name, size_t length)
{
	static const struct {
		const char *name, *ranges;
	} classes[] = {{"alpha", "azAZ"}, {"digit", "09"}, {"alnum", "azAZ09"}, {"upper", "AZ"},
		{"lower", "az"}, {"space", "\t\r  "}, {"blank", "\t\t  "}, {"punct", "!/:@[`{~"},
		{"xdigit", "09afAF"}, {"word", "azAZ09__"}};

	for (size_t i = 0; i < REEVE_COUNT(classes); i++)
		if (strlen(classes[i].name) == length && memcmp(classes[i].name, name, length) == 0)
			return classes[i].ranges;
	return NULL;
}

static void add_ranges(struct parser *p, const char *ranges)
{
	for (; ranges[0]; ranges += 2)
		add_range(p, (unsigned char)ranges[0], (unsigned char)ranges[1]);
}

/* Opens a set; its head is completed by end_set. */
static uint32_t begin_set(struct parser *p)
{
	if (p->set_words == SET_WORDS)
		return fault(p, p->at, "too many sets of characters");
	return p->set_words++;
}

static uint32_t end_set(struct parser *p, uint32_t head, bool negated)
{
	p->sets[head] = (p->set_words - head - 1) / 2 * 2 + negated;
	return leaf(p, SET, head);
}

/* [:name:] at p->at. */
static void parse_class(struct parser *p, size_t open)
{
	const char *name = p->pattern + p->at + 2, *end = strstr(name, ":]");
	const char *ranges = end ? class_ranges(name, (size_t)(end - name)) : NULL;

	if (!ranges || strncmp(name, "word", 4) == 0) {
		fault(p, open, "an unknown class of characters");
		return;
	}
	add_ranges(p, ranges);
	p->at = (size_t)(end - p->pattern) + 2;
}

static bool at_class(const struct parser *p)
{
	return p->pattern[p->at] == '[' && p->pattern[p->at + 1] == ':';
}

/* Behind the opening bracket. */
static uint32_t parse_set(struct parser *p)
{
	size_t open = p->at - 1;
	uint32_t head = begin_set(p);
	bool negated = peek(p) == '^';

	if (negated)
		p->at++;
	for (size_t first = p->at; more(p) && (peek(p) != ']' || p->at == first);) {
		size_t at = p->at;
		if (at_class(p)) {
			parse_class(p, at);
			continue;
		}
		uint32_t low = next_char(p), high = low;
		if (peek(p) == '-' && p->at + 1 < p->length && p->pattern[p->at + 1] != ']') {
			p->at++;
			if (at_class(p))
				return fault(p, at, "a range to a class of characters");
			high = next_char(p);
		}
		if (high < low)
			return fault(p, at, "a range that ends before it begins");
		add_range(p, low, high);
	}
	if (peek(p) != ']')
		return fault(p, open, "[ without ]");
	p->at++;
	return end_set(p, head, negated);
}

static uint32_t parse_escape(struct parser *p)
{
	static const struct {
		char letter;
		const char *name;
	} sets[] = {{'d', "digit"}, {'w', "word"}, {'s', "space"}};
	char c = peek(p);

	if (!c)
		return fault(p, p->at - 1, "\\ with nothing behind it");
	p->at++;
	for (size_t i = 0; i < REEVE_COUNT(sets); i++) {
		if (lower((unsigned char)c) != (unsigned char)sets[i].letter)
			continue;
		uint32_t head = begin_set(p);
		add_ranges(p, class_ranges(sets[i].name, strlen(sets[i].name)));
		return end_set(p, head, c != sets[i].letter);
	}
	if (c == 'n' || c == 't')
		return leaf(p, CHAR, c == 'n' ? '\n' : '\t');
	if ((unsigned char)c < 0x80 && !(c >= '0' && c <= '9') &&
		lower((unsigned char)c) == upper((unsigned char)c))
		return leaf(p, CHAR, (unsigned char)c);
	return fault(p, p->at - 2, "an unknown escape");
}

static uint32_t parse_alternatives(struct parser *p);

static uint32_t parse_group(struct parser *p)
{
	size_t open = p->at - 1;
	uint32_t node;

	if (++p->depth > REEVE_REGEX_DEPTH)
		return fault(p, open, "parentheses nested more than 20 deep");
	node = parse_alternatives(p);
	p->depth--;
	if (peek(p) != ')')
		return fault(p, open, "( without )");
	p->at++;
	return node;
}

static uint32_t parse_atom(struct parser *p)
{
	size_t at = p->at;
	uint32_t c = next_char(p);

	switch (c) {
	case '.':
		return leaf(p, ANY, 0);
	case '^':
		return leaf(p, BEGIN, 0);
	case '$':
		return leaf(p, END, 0);
	case '[':
		return parse_set(p);
	case '(':
		return parse_group(p);
	case '\\':
		return parse_escape(p);
	case '*':
	case '+':
	case '?':
	case '{':
		return fault(p, at, "nothing to repeat");
	default:
		return leaf(p, CHAR, p->ignore_case ? lower(c) : c);
	}
}

static uint32_t parse_number(struct parser *p, size_t open)
{
	uint32_t n = 0;

	if (peek(p) < '0' || peek(p) > '9')
		return fault(p, open, "{ without a number; a brace itself is \\{");
	while (peek(p) >= '0' && peek(p) <= '9' && n <= REPEAT_MAX)
		n = n * 10 + (uint32_t)(p->pattern[p->at++] - '0');
	if (n > REPEAT_MAX)
		return fault(p, open, "more than 255 repetitions");
	return n;
}

/* {m}, {m,} or {m,n} behind the brace. */
static void parse_count(struct parser *p, uint32_t *low, uint32_t *high)
{
	size_t open = p->at - 1;

	*low = *high = parse_number(p, open);
	if (peek(p) == ',') {
		p->at++;
		*high = peek(p) == '}' ? FOR_EVER : parse_number(p, open);
	}
	if (peek(p) != '}')
		fault(p, open, "{ without }");
	else if (*high < *low)
		fault(p, open, "a repetition that ends before it begins");
	p->at++;
}

static uint32_t parse_repeats(struct parser *p)
{
	uint32_t node = parse_atom(p);

	for (;;) {
		char c = peek(p);
		uint32_t low = c == '+', high = c == '?' ? 1 : FOR_EVER;
		if (c == 0 || !strchr("*+?{", c))
			return node;
		node = new_node(p, REPEAT, node, 0);
		p->at++;
		if (c == '{')
			parse_count(p, &low, &high);
		p->node[node].low = low;
		p->node[node].high = high;
	}
}

static uint32_t parse_sequence(struct parser *p)
{
	uint32_t node = new_node(p, EMPTY, 0, 0);

	while (more(p) && peek(p) != '|' && peek(p) != ')') {
		uint32_t next = parse_repeats(p);
		node = p->node[node].kind == EMPTY ? next : new_node(p, CAT, node, next);
	}
	return node;
}

static uint32_t parse_alternatives(struct parser *p)
{
	uint32_t node = parse_sequence(p);

	while (peek(p) == '|') {
		p->at++;
		uint32_t next = parse_sequence(p);
		node = new_node(p, ALT, node, next);
	}
	return node;
}

/* ---- writing the program ---- */

struct writer {
	struct parser *p;
	uint32_t *states;
	uint32_t n;
};

static void put(struct writer *w, uint32_t at, enum op op, uint32_t operand)
{
	if (at < REEVE_REGEX_STATES)
		w->states[at] = (uint32_t)op << OP_SHIFT | operand;
}

/* Room for one state. */
static uint32_t reserve(struct writer *w, const struct node *node)
{
	if (w->n >= REEVE_REGEX_STATES)
		return fault(w->p, node->at, "too large: it takes more than 500 states");
	return w->n++;
}

static void write_node(struct writer *w, const struct node *node);

static void write_alternatives(struct writer *w, const struct node *node)
{
	uint32_t split = reserve(w, node), jump;

	write_node(w, &w->p->node[node->a]);
	jump = reserve(w, node);
	put(w, split, SPLIT, w->n);
	write_node(w, &w->p->node[node->b]);
	put(w, jump, JUMP, w->n);
}

/* Copies that may be left out: each leads to the end as well. */
static void write_optional(struct writer *w, const struct node *node)
{
	uint16_t splits[REPEAT_MAX];
	uint32_t n = 0;

	for (uint32_t i = node->low; i < node->high && !w->p->rc; i++) {
		splits[n++] = (uint16_t)reserve(w, node);
		write_node(w, &w->p->node[node->a]);
	}
	for (uint32_t i = 0; i < n; i++)
		put(w, splits[i], SPLIT, w->n);
}

static void write_repeat(struct writer *w, const struct node *node)
{
	uint32_t before = w->n, split;

	for (uint32_t i = 0; i < node->low && !w->p->rc; i++) {
		before = w->n;
		write_node(w, &w->p->node[node->a]);
		if (w->n == before)
			return; /* nothing, however often */
	}
	if (node->high != FOR_EVER) {
		write_optional(w, node);
	} else if (node->low) {
		split = reserve(w, node);
		put(w, split, SPLIT, before);
	} else {
		split = reserve(w, node);
		write_node(w, &w->p->node[node->a]);
		put(w, reserve(w, node), JUMP, split);
		put(w, split, SPLIT, w->n);
	}
}

static void write_node(struct writer *w, const struct node *node)
{
	if (w->p->rc)
		return;
	switch (node->kind) {
	case LEAF:
		put(w, reserve(w, node), (enum op)(node->word >> OP_SHIFT),
			node->word & OPERAND_MASK);
		break;
	case CAT:
		write_node(w, &w->p->node[node->a]);
		write_node(w, &w->p->node[node->b]);
		break;
	case ALT:
		write_alternatives(w, node);
		break;
	case REPEAT:
		write_repeat(w, node);
		break;
	default:
		break;
	}
}

int reeve__regex_compile(const char *pattern, bool ignore_case, uint32_t program[REEVE_REGEX_WORDS],
	struct reeve_error *err)
{
	struct parser p = {.pattern = pattern,
		.length = strnlen(pattern, REEVE_NAME_MAX),
		.ignore_case = ignore_case,
		.err = err};
	struct writer w = {.p = &p, .states = program + 1};
	uint32_t root;

	if (p.length == REEVE_NAME_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"regular expression \"%.24s...\" is too long; allowed are 1 to %d bytes",
			pattern, REEVE_NAME_MAX - 1);
	root = parse_alternatives(&p);
	if (!p.rc && p.at < p.length)
		fault(&p, p.at, ") without (");
	write_node(&w, &p.node[root]);
	if (!p.rc)
		put(&w, reserve(&w, &p.node[root]), MATCH, 0);
	if (!p.rc && 1 + w.n + p.set_words > REEVE_REGEX_WORDS)
		fault(&p, 0, "too large: it takes more than 3200 bytes");
	if (p.rc)
		return p.rc;
	program[0] = w.n | (ignore_case ? IGNORE_CASE : 0);
	memcpy(program + 1 + w.n, p.sets, p.set_words * sizeof(p.sets[0]));
	return (int)(1 + w.n + p.set_words);
}

/* ---- running it ---- */

/* States that the text may have led to. A state is in the set when its mark is of this step. */
struct run {
	const uint32_t *program;
	size_t words;
	uint32_t states;
	bool ignore_case, matched;
	size_t at, length;
	uint16_t step;
	uint16_t mark[REEVE_REGEX_STATES];
	uint16_t list[2][REEVE_REGEX_STATES];
	uint16_t stack[REEVE_REGEX_STATES];
	uint32_t n[2];
};

static void push(struct run *x, uint32_t state, uint32_t *depth)
{
	if (state >= x->states || x->mark[state] == x->step)
		return;
	x->mark[state] = x->step;
	x->stack[(*depth)++] = (uint16_t)state;
}

/* Adds a state and all that it leads to without a character. Each is visited once a step. */
static void add_state(struct run *x, uint32_t which, uint32_t state)
{
	uint32_t depth = 0;

	push(x, state, &depth);
	while (depth) {
		uint32_t i = x->stack[--depth], word = x->program[1 + i];
		switch (word >> OP_SHIFT) {
		case SPLIT:
			push(x, word & OPERAND_MASK, &depth);
			push(x, i + 1, &depth);
			break;
		case JUMP:
			push(x, word & OPERAND_MASK, &depth);
			break;
		case BEGIN:
			if (x->at == 0)
				push(x, i + 1, &depth);
			break;
		case END:
			if (x->at == x->length)
				push(x, i + 1, &depth);
			break;
		case MATCH:
			x->matched = true;
			return;
		default:
			x->list[which][x->n[which]++] = (uint16_t)i;
		}
	}
}

static bool in_ranges(const uint32_t *ranges, uint32_t count, uint32_t c)
{
	for (uint32_t i = 0; i < count; i++)
		if (c >= ranges[2 * i] && c <= ranges[2 * i + 1])
			return true;
	return false;
}

static bool in_set(const struct run *x, uint32_t operand, uint32_t c)
{
	size_t head = 1 + (size_t)x->states + operand;
	const uint32_t *ranges = x->program + head + 1;

	if (head >= x->words)
		return false;
	uint32_t count = x->program[head] / 2;
	if (count > (x->words - head - 1) / 2)
		return false;
	bool in = in_ranges(ranges, count, c) ||
		  (x->ignore_case && (in_ranges(ranges, count, lower(c)) ||
					     in_ranges(ranges, count, upper(c))));
	return in != (x->program[head] & 1);
}

static bool accepts(const struct run *x, uint32_t word, uint32_t c)
{
	switch (word >> OP_SHIFT) {
	case CHAR:
		return (x->ignore_case ? lower(c) : c) == (word & OPERAND_MASK);
	case ANY:
		return true;
	default:
		return in_set(x, word & OPERAND_MASK, c);
	}
}

bool reeve__regex_match(const uint32_t *program, size_t words, const char *text, size_t length)
{
	struct run x;
	uint32_t now = 0;

	x.program = program;
	x.words = words;
	x.states = words ? program[0] & ~IGNORE_CASE : 0;
	if (x.states == 0 || x.states > REEVE_REGEX_STATES || x.states >= words)
		return false;
	x.ignore_case = (program[0] & IGNORE_CASE) != 0;
	x.matched = false;
	x.length = length;
	x.at = 0;
	x.step = 1;
	x.n[0] = 0;
	memset(x.mark, 0, x.states * sizeof(x.mark[0]));
	add_state(&x, now, 0);
	while (!x.matched && x.at < length) {
		size_t n;
		uint32_t c = reeve__utf8_next(text + x.at, length - x.at, &n);
		x.at += n;
		x.step++;
		x.n[!now] = 0;
		for (uint32_t i = 0; i < x.n[now] && !x.matched; i++) {
			uint32_t state = x.list[now][i];
			if (accepts(&x, program[1 + state], c))
				add_state(&x, !now, state + 1);
		}
		if (!x.matched)
			add_state(&x, !now, 0); /* a match may begin anywhere */
		now = !now;
	}
	return x.matched;
}
