/* Any condition: encoded, decoded, printed and judged, it stays what it is. And any words as a
 * program: judged without harm. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "../../src/policy/rule.h"

#define WORDS 4096u

struct input {
	const uint8_t *at, *end;
	struct reeve_condition nodes[REEVE_CONDITION_NODES * 2];
	char texts[REEVE_CONDITION_NODES * 2][24];
	uint32_t used;
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static uint32_t take(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static const char *take_text(struct input *in, char text[24])
{
	uint32_t n = take(in) % 24;
	uint32_t i;

	for (i = 0; i < n; i++)
		text[i] = (char)take(in);
	text[i < 23 ? i : 23] = 0;
	return text;
}

static void fill(struct input *in, struct reeve_condition *node, uint32_t depth)
{
	uint32_t at = (uint32_t)(node - in->nodes);

	memset(node, 0, sizeof(*node));
	node->kind = take(in) % 20;
	node->syntax = take(in) % 5;
	node->ignore_case = take(in) & 1;
	node->text = take_text(in, in->texts[at]);
	node->user_id = take(in);
	node->start_s = take(in) * 400;
	node->end_s = take(in) * 400;
	node->days = take(in);
	node->zone = take(in) & 1 ? "Europe/Berlin" : node->text;
	node->count = depth < 12 ? take(in) % 4 : 0;
	if (in->used + node->count > REEVE_CONDITION_NODES * 2)
		node->count = 0;
	node->operands = &in->nodes[in->used];
	in->used += node->count;
	for (uint32_t i = 0; i < node->count; i++)
		fill(in, (struct reeve_condition *)(uintptr_t)&node->operands[i], depth + 1);
}

static const struct reeve_sh_zone_data *no_zone(void *arg, uint32_t n)
{
	(void)arg;
	(void)n;
	return NULL;
}

static const char *name_zone(void *arg, uint32_t n)
{
	const struct reeve__rule_zones *zones = arg;

	return n < zones->count ? zones->names[n] : "UTC";
}

static bool judge(const uint32_t *program, uint32_t words)
{
	struct reeve_session_def who;
	struct reeve__rule_input in;
	uint32_t keys[REEVE_RULE_KEYS];

	memset(&who, 0, sizeof(who));
	who.username = "ada";
	who.user_id = 7;
	reeve__rule_input_init(&in, &who, 1700000000 * REEVE_SEC, no_zone, NULL);
	reeve__rule_keys(program, words, keys, REEVE_RULE_KEYS);
	reeve__rule_zone_mask(program, words);
	return reeve__rule_holds(program, words, &in);
}

static void run_condition(struct input *in)
{
	static struct reeve_condition_copy copy;
	static struct reeve__rule_zones zones, zones_again;
	static uint32_t program[WORDS], again[WORDS];
	static char text[8192], text_again[8192];
	struct reeve_error err;
	int words;

	in->used = 1;
	fill(in, &in->nodes[0], 0);
	words = reeve__rule_encode(&in->nodes[0], program, WORDS, &zones, &err);
	if (words < 0)
		return;
	judge(program, (uint32_t)words);
	if (reeve__rule_decode(program, (uint32_t)words, name_zone, &zones, &copy, &err) < 1 ||
		reeve__rule_encode(&copy.nodes[0], again, WORDS, &zones_again, &err) != words ||
		memcmp(program, again, (size_t)words * 4))
		abort();
	reeve__rule_text(&in->nodes[0], text, sizeof(text));
	reeve__rule_text(&copy.nodes[0], text_again, sizeof(text_again));
	if (strcmp(text, text_again))
		abort();
}

static void run_program(const uint8_t *data, size_t size)
{
	static struct reeve_condition_copy copy;
	struct reeve__rule_zones zones = {0};
	struct reeve_error err;
	uint32_t words = (uint32_t)(size / 4);
	uint32_t *program = malloc(size + 4);

	memcpy(program, data, size);
	judge(program, words);
	reeve__rule_decode(program, words, name_zone, &zones, &copy, &err);
	free(program);
}

/* The first byte says what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct input in;

	if (!size)
		return 0;
	if (data[0] & 1) {
		run_program(data + 1, size - 1);
		return 0;
	}
	in.at = data + 1;
	in.end = data + size;
	run_condition(&in);
	return 0;
}
