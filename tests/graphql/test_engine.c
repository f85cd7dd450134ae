/* Limits, the document cache, schema building and the binding of struct members. */
#include "check.h"

#include <pthread.h>
#include <stdio.h>

/* ---- limits ---- */

static void check_limit(const struct reeve_gql_options *options, const char *document,
	const char *message, const char *extensions)
{
	struct toy toy;

	toy_open(&toy, TOY_SCHEMA, options);
	check_refused(&toy, document, NULL, message);
	check_refused(&toy, document, NULL, extensions);
	toy_close(&toy);
}

static void test_limits(void **state)
{
	struct reeve_gql_options o;

	(void)state;
	reeve_gql_options_init(&o);
	o.max_document_bytes = 20;
	check_limit(&o, "{ version version version }", "Document has 27 bytes, the maximum is 20.",
		"{\"code\":\"RESOURCE_EXHAUSTED\",\"limit\":\"document bytes\",\"value\":27,"
		"\"maximum\":20}");
	reeve_gql_options_init(&o);
	o.max_tokens = 4;
	check_limit(&o, "{ version version version }", "Document has more than 4 tokens.",
		"\"limit\":\"tokens\",\"maximum\":4");
	reeve_gql_options_init(&o);
	o.max_nesting = 3;
	check_limit(&o, "{ deep { deep { deep { version } } } }",
		"Document has more than 3 levels of brackets.", "\"limit\":\"nesting\"");
	check_limit(&o, "{ echo(json: [[[1]]]) }", "levels of brackets", "\"maximum\":3");
	check_limit(&o, "query($a: [[[[Int]]]]) { version }", "levels of brackets", "nesting");
	reeve_gql_options_init(&o);
	o.max_depth = 3;
	check_limit(&o, "{ deep { ...F } } fragment F on Query { deep { deep { version } } }",
		"Operation has 4 levels of fields, the maximum is 3.",
		"\"limit\":\"depth\",\"value\":4,\"maximum\":3");
	reeve_gql_options_init(&o);
	o.max_aliases = 2;
	check_limit(&o, "{ a: version b: version c: version }", "Operation has 3 aliases",
		"\"limit\":\"aliases\"");
	reeve_gql_options_init(&o);
	o.max_fields = 5;
	check_limit(&o,
		"{ deep { ...F ...F } deeper { ...F } } fragment F on Query { version count }",
		"Document has 8 fields, the maximum is 5.", "\"limit\":\"fields\"");
	check_limit(&o, "query A { version count dog { id } } query B { version count }",
		"Document has 6 fields, the maximum is 5.", "\"value\":6,\"maximum\":5");
}

/* Each fragment spreads the next twice: 2^60 fields. Must be refused at once. */
static void test_fragment_bomb(void **state)
{
	char document[16384] = "{ ...F0 ";
	size_t len;
	int i;

	strcat(document, "}");
	len = strlen(document);
	for (i = 0; i < 60; i++)
		len += (size_t)snprintf(document + len, sizeof(document) - len,
			" fragment F%d on Query { a%d: deep { ...F%d } b%d: deep { ...F%d } }", i,
			i, i + 1, i, i + 1);
	snprintf(document + len, sizeof(document) - len, " fragment F60 on Query { version }");
	check_refused(*state, document, NULL, "the maximum is");
}

/* Many fields of one name, many fragments of the same fields: fields merge without pairs. */
static void test_overlap_bombs(void **state)
{
	char *document = malloc(65536);
	size_t len = 0;
	int i;

	len += (size_t)snprintf(document, 65536, "{");
	for (i = 0; i < 4000; i++)
		len += (size_t)snprintf(document + len, 65536 - len, " version");
	snprintf(document + len, 65536 - len, " }");
	check_answer(*state, document, NULL, "{\"data\":{\"version\":\"version\"}}");
	len = (size_t)snprintf(document, 65536, "{ animal {");
	for (i = 0; i < 100; i++)
		len += (size_t)snprintf(document + len, 65536 - len,
			" ... on Dog { friends { ... on Dog { friends { id } } ... on Cat { g: "
			"friends { id } "
			"} } } ... on Cat { f: friends { ... on Dog { friends { id } } } }");
	snprintf(document + len, 65536 - len, " } }");
	check_fine(*state, document, NULL);
	free(document);
}

static int64_t slow_ms;
static int64_t slow_clock(void)
{
	return slow_ms += 400;
}

/* The clock goes 400 ms each time that it is read: at the start, and at every 16th resolver. */
static void test_time(void **state)
{
	static const uint32_t limits[] = {10000, 1000};
	char query[40 * 16] = "{", *answer;
	struct reeve_gql_options o;
	struct toy toy;
	int i;

	(void)state;
	for (i = 0; i < 40; i++)
		snprintf(query + strlen(query), 16, " a%d: echo", i);
	strcat(query, "}");
	for (i = 0; i < 2; i++) {
		reeve_gql_options_init(&o);
		o.now_ms = slow_clock;
		o.max_run_ms = limits[i];
		toy_open(&toy, TOY_SCHEMA, &o);
		answer = toy_run(&toy, query, NULL, NULL);
		assert_non_null(strstr(answer, "\"a31\":{"));
		assert_non_null(strstr(answer, i ? "\"a39\":null" : "\"a39\":{"));
		if (i)
			assert_non_null(strstr(answer,
				"\"path\":[\"a32\"],\"extensions\":{\"code\":\"RESOURCE_"
				"EXHAUSTED\","
				"\"limit\":\"time\",\"value\":1200,\"maximum\":1000}}]"));
		free(answer);
		toy_close(&toy);
	}
}

static void test_answer_limits(void **state)
{
	static const char many[] = "{ people { failing a: failing b: failing } }";
	struct reeve_gql_options o;
	struct toy toy;

	(void)state;
	reeve_gql_options_init(&o);
	o.max_errors = 2;
	toy_open(&toy, TOY_SCHEMA, &o);
	check_contains(&toy, many, NULL, "{\"message\":\"4 more errors are not listed.\"");
	toy_close(&toy);
}

/* Too little memory at every stage: some answer comes, and it is JSON. */
static void test_little_memory(void **state)
{
	static const char nested[] =
		"{\"query\":\"query Q($n: Int, $p: [Point!]) { version people { name self { "
		"failing } } "
		"animals { id ... on Dog { owner { name } } } e: echo(int: $n, points: $p) }\","
		"\"variables\":{\"n\":3,\"p\":[{\"x\":1,\"any\":[1,2,{\"a\":[]}]},{\"x\":2}]}}";
	static const char invalid[] =
		"{\"query\":\"{ a { b } c(d: 1, d: 2) @e ...F } fragment G on Nope { x }\"}";
	static const char dynamic[] = "{\"query\":\"query($s: Boolean!) { __schema { types { name "
				      "@skip(if: $s) fields { name "
				      "type { name ofType { name ofType { name } } } } } } "
				      "}\",\"variables\":{\"s\":false}}";
	static const char *const bodies[] = {nested, invalid, dynamic};
	struct reeve_gql_http_request request = {
		.method = "POST", .content_type = "application/json"};
	struct reeve_gql_http_response answer;
	struct reeve_gql_options o;
	struct reeve_gql_call *call;
	struct toy toy;
	size_t i;

	(void)state;
	reeve_gql_options_init(&o);
	o.cache_entries = 0;
	for (o.max_arena_bytes = 0; o.max_arena_bytes < 200000; o.max_arena_bytes += 2048) {
		toy_open(&toy, TOY_SCHEMA, &o);
		call = reeve_gql_call_create(toy.engine);
		for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
			request.body = (struct reeve_gql_text){bodies[i], strlen(bodies[i])};
			if (reeve_gql_call_begin(call, &request) == REEVE_GQL_CALL_READY)
				reeve_gql_call_run(call, NULL, NULL);
			reeve_gql_call_response(call, &answer);
			assert_true(answer.body_len > 20);
			assert_int_equal(answer.body[answer.body_len - 1], '}');
			if (o.max_arena_bytes > 190000 && i != 1)
				if (strncmp(answer.body, "{\"data\":{", 9))
					fail_msg("%.*s", 300, answer.body);
			reeve_gql_call_reset(call);
		}
		reeve_gql_call_destroy(call);
		toy_close(&toy);
	}
}

/* ---- cache ---- */

static void acquire(struct toy *toy, const char *text)
{
	struct reeve_gql_document *document;
	struct reeve_json out;

	reeve_json_init(&out, 0);
	assert_int_equal(
		reeve_gql_document_acquire(toy->engine, text, strlen(text), &document, &out), 0);
	reeve_gql_document_release(document);
	reeve_json_fini(&out);
}

static void test_cache(void **state)
{
	struct reeve_gql_cache_stats stats;
	struct reeve_gql_options o;
	struct toy toy;
	char text[64];
	int i;

	(void)state;
	reeve_gql_options_init(&o);
	o.cache_entries = 3;
	toy_open(&toy, TOY_SCHEMA, &o);
	for (i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "{ version } # %d", i);
		acquire(&toy, text);
		acquire(&toy, "{ version } # 0");
	}
	reeve_gql_engine_cache_stats(toy.engine, &stats);
	/* 0 0 1 0 2 0 3 0: 1 was the oldest when 3 came. */
	assert_int_equal(stats.hits, 4);
	assert_int_equal(stats.misses, 4);
	assert_int_equal(stats.evictions, 1);
	assert_int_equal(stats.entries, 3);
	acquire(&toy, "{ version } # 1");
	reeve_gql_engine_cache_stats(toy.engine, &stats);
	assert_int_equal(stats.misses, 5);
	check_refused(&toy, "{ nope }", NULL, "Cannot query field");
	reeve_gql_engine_cache_stats(toy.engine, &stats);
	assert_int_equal(stats.entries, 3);
	assert_true(stats.bytes > 0);
	toy_close(&toy);
}

static void *run_many(void *context)
{
	struct toy *toy = context;
	char text[96];
	int i;

	for (i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "{ v%d: version person { name failing } }", i % 7);
		free(toy_run(toy, text, NULL, NULL));
	}
	return NULL;
}

/* Threads share an engine whose cache is too small for them. */
static void test_threads(void **state)
{
	struct reeve_gql_options o;
	pthread_t threads[4];
	struct toy toy;
	size_t i;

	(void)state;
	reeve_gql_options_init(&o);
	o.cache_entries = 4;
	toy_open(&toy, TOY_SCHEMA, &o);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_many, &toy), 0);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	toy_close(&toy);
}

/* ---- blocking ---- */

static void test_blocking(void **state)
{
	static const char text[] =
		"query A { fast } query B { ...F } query C { i { ... on T { self { slowly } } } } "
		"query D { i { name } } fragment F on Query { fast slow @include(if: false) }";
	struct reeve_gql_document *document;
	struct reeve_json out;
	struct toy toy;

	(void)state;
	toy_open_text(&toy,
		"type Query { fast: Int slow: Int i: I } interface I { name: Int } "
		"type T implements I { name: Int slowly: Int self: T }",
		NULL);
	reeve_json_init(&out, 0);
	assert_int_equal(
		reeve_gql_document_acquire(toy.engine, text, strlen(text), &document, &out), 0);
	assert_false(reeve_gql_document_blocks(document, "A"));
	assert_true(reeve_gql_document_blocks(document, "B"));
	assert_true(reeve_gql_document_blocks(document, "C"));
	assert_false(reeve_gql_document_blocks(document, "D"));
	assert_false(reeve_gql_document_blocks(document, "E"));
	reeve_gql_document_release(document);
	reeve_json_fini(&out);
	toy_close(&toy);
}

/* ---- schemas that are wrong ---- */

static void check_schema(
	const char *sdl, const struct reeve_gql_binding *rows, size_t n_rows, const char *complaint)
{
	struct reeve_gql_table table = {rows, n_rows};
	struct reeve_gql_engine *engine = NULL;
	char error[2048];

	if (reeve_gql_engine_create(sdl, strlen(sdl), &table, 1, NULL, &engine, error,
		    sizeof(error)) == REEVE_GQL_OK) {
		reeve_gql_engine_destroy(engine);
		fail_msg("accepted: %s", sdl);
	}
	assert_null(engine);
	if (!strstr(error, complaint))
		fail_msg("%slacks %s\nfor %s", error, complaint, sdl);
}

static void test_schema_errors(void **state)
{
	static const struct {
		const char *sdl, *complaint;
	} cases[] = {
		{"type Query {", "line 1, column 13: Syntax Error: Expected Name, found <EOF>."},
		{"type A { a: Int }", "Root type \"Query\" is no object type."},
		{"type Query { a: Nope }", "Unknown type \"Nope\" at \"Query.a\"."},
		{"type Query { a: I } input I { x: Int }", "must be an output type"},
		{"type Query { a(x: Query): Int }", "must be an input type"},
		{"type Query { a: Int a: Int }", "\"Query.a\" is defined twice."},
		{"type Query { a: Int } type Query { b: Int }",
			"There can be only one type named \"Query\"."},
		{"type Query { __a: Int }", "must not begin with \"__\""},
		{"type __Q { a: Int } type Query { a: Int }", "must not begin with \"__\""},
		{"type Query { a(x: Int = \"1\"): Int }",
			"The default of \"a.x\" is no \"Int\": \"1\"."},
		{"interface I { a: Int } type Query implements I { b: Int }",
			"Interface field \"I.a\" expected but \"Query\" does not provide it."},
		{"interface I { a: Int! } type Query implements I { a: Int }",
			"expects type \"Int!\" but \"Query.a\" is type \"Int\""},
		{"interface I { a(x: Int): Int } type Query implements I { a: Int }",
			"\"I.a(x:)\" expected but"},
		{"interface I { a: Int } type Query implements I { a(x: Int!): Int }",
			"must not be required"},
		{"interface J { a: Int } interface I implements J { a: Int } "
		 "type Query implements I { a: Int }",
			"must implement \"J\""},
		{"type Query implements Query { a: Int }", "which is no interface"},
		{"union U = Int type Query { a: U }", "which is no object type"},
		{"enum E { A A } type Query { a: E }", "\"E.A\" is defined twice."},
		{"input I { a: I! } type Query { a(i: I): Int }", "within itself"},
		{"input I { a: J! } input J { b: I! } type Query { a(i: I): Int }",
			"within itself"},
		{"type Query { a: Int @nope }", "Unknown directive \"@nope\""},
		{"type Query @deprecated { a: Int }", "may not be used on OBJECT"},
		{"type Query { a: Int } { a }", "contains an operation"},
		{"schema { query: Q } schema { query: Q } type Q { a: Int }", "only one schema"},
		{"directive @d on FIELD directive @d on FIELD type Query { a: Int }",
			"only one directive named \"@d\""},
		{"type Query { a(x: Int! @deprecated): Int }", "cannot be deprecated"},
		{"type Query { a: [[[[[Int]]]]] }", "more than 4 lists within lists"},
		{"type Query { a: Int b: Int }", "Field \"Query.b\" is not bound."},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_schema(cases[i].sdl, NULL, 0, cases[i].complaint);
}

/* ---- struct members ---- */

static const char *const mode_names[] = {"FAST", "SLOW"};
static const char *const pretty_names[] = {"Fast", "Slow"};

struct inner {
	uint64_t id;
	char name[8];
};

struct record {
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	int8_t i8;
	int64_t i64;
	bool flag;
	double real;
	const char *text;
	char chars[4];
	uint8_t mode;
	int64_t at_ns;
	uint64_t share_ppm;
	uint64_t wait_ns;
	bool has_limit;
	uint32_t limit;
	struct inner inner;
	const struct inner *pointer;
	const uint64_t *ids;
	uint32_t n_ids;
	struct inner list[3];
	uint8_t n_list;
	const char *words[2];
	size_t n_words;
};

static int resolve_record(struct reeve_gql_ctx *ctx, const void *root)
{
	reeve_gql_emit_object(ctx, root);
	return 0;
}

static const char record_sdl[] =
	"scalar UInt64 scalar DateTime enum Mode { FAST SLOW } type Query { r: R } "
	"type R { u8: Int u16: Int u32: UInt64 u64: UInt64 u64id: ID u64int: Int i8: Int i64: "
	"Float "
	"flag: Boolean real: Float text: String chars: String mode: Mode modeName: String "
	"at: DateTime percent: Float wait: UInt64 limit: UInt64 max: UInt64 zero: UInt64 inner: I "
	"pointer: I self: R ids: [UInt64!] list: [I!] words: [String] } type I { id: UInt64 name: "
	"String }";

#define MEMBER(field_, kind_, member_, ...)                                                        \
	REEVE_GQL_BIND_MEMBER("R", field_, kind_, struct record, member_, __VA_ARGS__)

static const struct reeve_gql_binding record_rows[] = {
	REEVE_GQL_BIND_FN("Query", "r", resolve_record),
	MEMBER("u8", REEVE_GQL_UINT, u8, .flags = 0),
	MEMBER("u16", REEVE_GQL_UINT, u16, .flags = 0),
	MEMBER("u32", REEVE_GQL_UINT, u32, .flags = 0),
	MEMBER("u64", REEVE_GQL_UINT, u64, .flags = 0),
	MEMBER("u64id", REEVE_GQL_UINT, u64, .flags = 0),
	MEMBER("u64int", REEVE_GQL_UINT, u64, .flags = 0),
	MEMBER("i8", REEVE_GQL_INT, i8, .flags = 0),
	MEMBER("i64", REEVE_GQL_INT, i64, .flags = 0),
	MEMBER("flag", REEVE_GQL_BOOL, flag, .flags = 0),
	MEMBER("real", REEVE_GQL_DOUBLE, real, .flags = 0),
	MEMBER("text", REEVE_GQL_STR, text, .flags = 0),
	MEMBER("chars", REEVE_GQL_CHARS, chars, .flags = 0),
	REEVE_GQL_BIND_ENUM("R", "mode", struct record, mode, mode_names, .flags = 0),
	REEVE_GQL_BIND_ENUM("R", "modeName", struct record, mode, pretty_names, .flags = 0),
	MEMBER("at", REEVE_GQL_TIME_NS, at_ns, .flags = REEVE_GQL_ZERO_IS_NULL),
	MEMBER("percent", REEVE_GQL_UINT, share_ppm, .divisor = 10000),
	MEMBER("wait", REEVE_GQL_UINT, wait_ns, .divisor = 1000000000),
	MEMBER("limit", REEVE_GQL_UINT, limit, REEVE_GQL_PRESENT_IF(struct record, has_limit)),
	MEMBER("max", REEVE_GQL_UINT, u32, .flags = REEVE_GQL_LIMIT_IS_NULL),
	MEMBER("zero", REEVE_GQL_UINT, u8, .flags = REEVE_GQL_ZERO_IS_NULL),
	MEMBER("inner", REEVE_GQL_STRUCT, inner, .flags = 0),
	MEMBER("pointer", REEVE_GQL_POINTER, pointer, .flags = 0),
	REEVE_GQL_BIND_SELF("R", "self"),
	REEVE_GQL_BIND_LIST("R", "ids", REEVE_GQL_UINT, struct record, ids, n_ids),
	{.type = "R",
		.field = "list",
		.kind = REEVE_GQL_STRUCT,
		.flags = REEVE_GQL_LIST | REEVE_GQL_INLINE,
		.offset = offsetof(struct record, list),
		.size = sizeof(struct inner),
		.stride = sizeof(struct inner),
		.count_offset = offsetof(struct record, n_list),
		.count_size = 1},
	{.type = "R",
		.field = "words",
		.kind = REEVE_GQL_STR,
		.flags = REEVE_GQL_LIST | REEVE_GQL_INLINE,
		.offset = offsetof(struct record, words),
		.size = sizeof(char *),
		.stride = sizeof(char *),
		.count_offset = offsetof(struct record, n_words),
		.count_size = sizeof(size_t)},
	REEVE_GQL_BIND_MEMBER("I", "id", REEVE_GQL_UINT, struct inner, id, .flags = 0),
	REEVE_GQL_BIND_MEMBER("I", "name", REEVE_GQL_CHARS, struct inner, name, .flags = 0),
};

static void check_record(const struct record *record, const char *selection, const char *expected)
{
	struct reeve_gql_table table = {record_rows, sizeof(record_rows) / sizeof(record_rows[0])};
	struct reeve_gql_params params = {.root = record};
	struct reeve_gql_document *document;
	struct reeve_gql_engine *engine;
	char error[1024] = "", text[256];
	struct reeve_json out;

	if (reeve_gql_engine_create(
		    record_sdl, strlen(record_sdl), &table, 1, NULL, &engine, error, sizeof(error)))
		fail_msg("%s", error);
	snprintf(text, sizeof(text), "{ r { %s } }", selection);
	reeve_json_init(&out, 0);
	assert_int_equal(
		reeve_gql_document_acquire(engine, text, strlen(text), &document, &out), 0);
	reeve_gql_execute(engine, document, &params, &out);
	reeve_gql_document_release(document);
	reeve_gql_engine_destroy(engine);
	reeve_json_raw(&out, "", 1);
	assert_string_equal(out.data, expected);
	reeve_json_fini(&out);
}

static void test_members(void **state)
{
	static const uint64_t ids[] = {1, UINT64_MAX};
	static const struct inner other = {9, "pointed"};
	struct record r = {.u8 = 255,
		.u16 = 65535,
		.u32 = UINT32_MAX,
		.u64 = UINT64_MAX,
		.i8 = -128,
		.i64 = -5,
		.flag = true,
		.real = 0.25,
		.text = "t\"",
		.chars = {'f', 'u', 'l', 'l'},
		.mode = 1,
		.at_ns = 1500000000,
		.share_ppm = 333333,
		.wait_ns = 1999999999,
		.limit = 7,
		.inner = {4, "in"},
		.pointer = &other,
		.ids = ids,
		.n_ids = 2,
		.list = {{1, "a"}, {2, "b"}},
		.n_list = 2,
		.words = {"x", NULL},
		.n_words = 2};

	(void)state;
	check_record(&r, "u8 u16 u32 u64 u64id i8 i64 flag real text chars",
		"{\"data\":{\"r\":{\"u8\":255,\"u16\":65535,\"u32\":4294967295,\"u64\":"
		"18446744073709551615,\"u64id\":\"18446744073709551615\",\"i8\":-128,\"i64\":-5,"
		"\"flag\":"
		"true,\"real\":0.25,\"text\":\"t\\\"\",\"chars\":\"full\"}}}");
	check_record(&r, "mode modeName at percent wait limit max zero",
		"{\"data\":{\"r\":{\"mode\":\"SLOW\",\"modeName\":\"Slow\",\"at\":"
		"\"1970-01-01T00:00:01.500Z\",\"percent\":33.3333,\"wait\":1,\"limit\":null,"
		"\"max\":null,"
		"\"zero\":255}}}");
	check_record(&r,
		"inner { id name } pointer { name } self { self { u8 } } ids list { id } words",
		"{\"data\":{\"r\":{\"inner\":{\"id\":4,\"name\":\"in\"},\"pointer\":{\"name\":"
		"\"pointed\"},"
		"\"self\":{\"self\":{\"u8\":255}},\"ids\":[1,18446744073709551615],\"list\":[{"
		"\"id\":1},"
		"{\"id\":2}],\"words\":[\"x\",null]}}}");
	check_record(&r, "u64int",
		"{\"data\":{\"r\":{\"u64int\":null}},\"errors\":[{\"message\":\"Int cannot "
		"represent non "
		"32-bit signed integer value: 18446744073709551615\",\"locations\":[{\"line\":1,"
		"\"column\":7}],\"path\":[\"r\",\"u64int\"],\"extensions\":{\"code\":\"INTERNAL\"}}"
		"]}");
	r.has_limit = true;
	r.u8 = 0;
	r.u32 = 1;
	r.at_ns = 0;
	r.pointer = NULL;
	r.text = NULL;
	r.mode = 2;
	check_record(&r, "limit max zero at pointer { id } text",
		"{\"data\":{\"r\":{\"limit\":7,\"max\":1,\"zero\":null,\"at\":null,\"pointer\":"
		"null,"
		"\"text\":null}}}");
	check_record(&r, "mode",
		"{\"data\":{\"r\":{\"mode\":null}},\"errors\":[{\"message\":\"R.mode has the "
		"unknown value "
		"2.\",\"locations\":[{\"line\":1,\"column\":7}],\"path\":[\"r\",\"mode\"],"
		"\"extensions\":"
		"{\"code\":\"INTERNAL\"}}]}");
}

static void test_binding_errors(void **state)
{
	static const char sdl[] = "enum Mode { FAST } type Query { a: Int m: Mode }";
	static const struct reeve_gql_binding wrong_kind[] = {
		{.type = "Query", .field = "a", .kind = REEVE_GQL_BOOL, .size = 1}};
	static const struct reeve_gql_binding wrong_size[] = {
		{.type = "Query", .field = "a", .kind = REEVE_GQL_UINT, .size = 3}};
	static const struct reeve_gql_binding twice[] = {
		REEVE_GQL_BIND_FN("Query", "a", resolve_record),
		REEVE_GQL_BIND_FN("Query", "a", resolve_record)};
	static const struct reeve_gql_binding unknown[] = {
		REEVE_GQL_BIND_FN("Query", "z", resolve_record)};
	static const struct reeve_gql_binding names[] = {{.type = "Query",
		.field = "m",
		.kind = REEVE_GQL_ENUM,
		.size = 1,
		.names = mode_names,
		.n_names = 2}};

	(void)state;
	check_schema(sdl, wrong_kind, 1, "\"Query.a\" of type \"Int\" cannot be bound as BOOL.");
	check_schema(sdl, wrong_size, 1, "\"Query.a\": UINT cannot be 3 bytes.");
	check_schema(sdl, twice, 2, "\"Query.a\" is bound twice.");
	check_schema(sdl, unknown, 1, "There is no field \"Query.z\" to bind.");
	check_schema(sdl, names, 1, "\"SLOW\" is no value of enum \"Mode\".");
}

/* ---- what resolvers can do ---- */

static int resolve_everything(struct reeve_gql_ctx *ctx, const void *root)
{
	bool *selects = reeve_gql_user(ctx);
	char *text;

	(void)root;
	selects[0] = reeve_gql_selects(ctx, "a");
	selects[1] = reeve_gql_selects(ctx, "b");
	text = reeve_gql_printf(
		ctx, "%s.%s", reeve_gql_parent_type_name(ctx), reeve_gql_field_name(ctx));
	reeve_gql_list_begin(ctx);
	reeve_gql_emit_object(ctx, text);
	assert_int_equal(reeve_gql_emit_error(ctx, "ODD", "item %d", 1), 0);
	reeve_gql_emit_object(ctx, text);
	reeve_gql_list_end(ctx);
	return 0;
}

static int resolve_text(struct reeve_gql_ctx *ctx, const void *text)
{
	reeve_gql_emit_str(ctx, text);
	return 0;
}

static int resolve_half(struct reeve_gql_ctx *ctx, const void *text)
{
	reeve_gql_list_begin(ctx);
	reeve_gql_emit_str(ctx, text);
	reeve_gql_fail(ctx, "LATE", "gave up");
	reeve_gql_fail_extension(ctx, "reason", "a \"quoted\" one");
	reeve_gql_fail_extension(ctx, "more", "x");
	return -1;
}

static int resolve_silent(struct reeve_gql_ctx *ctx, const void *text)
{
	(void)ctx;
	(void)text;
	return -1;
}

/* Items after the one that made the list null. */
static int resolve_stop(struct reeve_gql_ctx *ctx, const void *text)
{
	reeve_gql_list_begin(ctx);
	assert_int_equal(reeve_gql_emit_str(ctx, text), 0);
	assert_int_equal(reeve_gql_emit_null(ctx), REEVE_GQL_STOP);
	assert_int_equal(reeve_gql_emit_str(ctx, text), REEVE_GQL_STOP);
	assert_int_equal(reeve_gql_emit_i64(ctx, 3), REEVE_GQL_STOP);
	reeve_gql_list_end(ctx);
	return 0;
}

static int resolve_wrong(struct reeve_gql_ctx *ctx, const void *text)
{
	(void)text;
	reeve_gql_emit_bool(ctx, true);
	return 0;
}

static void test_resolvers(void **state)
{
	static const char sdl[] =
		"type Query { all: [T] } type T { a: String b: String half: [String] "
		"silent: String stop: [String!] wrong: String }";
	static const struct reeve_gql_binding rows[] = {
		REEVE_GQL_BIND_FN("Query", "all", resolve_everything),
		REEVE_GQL_BIND_FN("T", "a", resolve_text),
		REEVE_GQL_BIND_FN("T", "b", resolve_text),
		REEVE_GQL_BIND_FN("T", "half", resolve_half),
		REEVE_GQL_BIND_FN("T", "silent", resolve_silent),
		REEVE_GQL_BIND_FN("T", "stop", resolve_stop),
		REEVE_GQL_BIND_FN("T", "wrong", resolve_wrong),
	};
	static const struct {
		const char *document, *part;
	} cases[] = {
		{"{ all { a } }",
			"{\"data\":{\"all\":[{\"a\":\"Query.all\"},null,{\"a\":\"Query.all\"}]},"
			"\"errors\":[{\"message\":\"item "
			"1\",\"locations\":[{\"line\":1,\"column\":3}],"
			"\"path\":[\"all\",1],\"extensions\":{\"code\":\"ODD\"}}]}"},
		{"{ all { half } }",
			"{\"message\":\"gave "
			"up\",\"locations\":[{\"line\":1,\"column\":9}],\"path\":"
			"[\"all\",0,\"half\"],\"extensions\":{\"code\":\"LATE\",\"reason\":"
			"\"a \\\"quoted\\\" one\",\"more\":\"x\"}}"},
		{"{ all { half } }", "{\"all\":[{\"half\":null},null,{\"half\":null}]}"},
		{"{ all { silent } }", "{\"message\":\"Internal error.\""},
		{"{ all { stop } }", "{\"all\":[{\"stop\":null},null,{\"stop\":null}]}"},
		{"{ all { wrong } }",
			"\"Resolver of T.wrong gave a boolean for type \\\"String\\\".\""},
	};
	struct reeve_gql_table table = {rows, sizeof(rows) / sizeof(rows[0])};
	bool selects[2] = {false, true};
	struct reeve_gql_params params = {.user = selects};
	struct reeve_gql_engine *engine;
	char error[512];
	size_t i;

	(void)state;
	assert_int_equal(reeve_gql_engine_create(
				 sdl, strlen(sdl), &table, 1, NULL, &engine, error, sizeof(error)),
		0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reeve_gql_document *document;
		struct reeve_json out;

		reeve_json_init(&out, 0);
		assert_int_equal(reeve_gql_document_acquire(engine, cases[i].document,
					 strlen(cases[i].document), &document, &out),
			0);
		reeve_gql_execute(engine, document, &params, &out);
		reeve_gql_document_release(document);
		reeve_json_raw(&out, "", 1);
		if (!strstr(out.data, cases[i].part))
			fail_msg("%s\nlacks %s", out.data, cases[i].part);
		reeve_json_fini(&out);
		assert_int_equal(selects[0], i == 0);
		assert_false(selects[1]);
	}
	reeve_gql_engine_destroy(engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_fragment_bomb),
		cmocka_unit_test(test_overlap_bombs),
		cmocka_unit_test(test_answer_limits),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_little_memory),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_blocking),
		cmocka_unit_test(test_schema_errors),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_binding_errors),
		cmocka_unit_test(test_resolvers),
	};

	return cmocka_run_group_tests(tests, open_toy, close_toy);
}
