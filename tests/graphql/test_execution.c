/* Execution: merging, conditions, nulls, abstract types, subscriptions, introspection. */
#include "check.h"

static void test_merging(void **state)
{
	struct toy *toy = *state;

	check_answer(toy,
		"{ dog { id } version dog { name ...F } } fragment F on Dog { id n: name }", NULL,
		"{\"data\":{\"dog\":{\"id\":18446744073709551615,\"name\":\"name\",\"n\":\"name\"},"
		"\"version\":\"version\"}}");
	check_answer(toy, "{ b: version a: version __typename t: __typename }", NULL,
		"{\"data\":{\"b\":\"version\",\"a\":\"version\",\"__typename\":\"Query\",\"t\":"
		"\"Query\"}}");
}

static void test_conditions(void **state)
{
	static const char document[] =
		"query($x: Boolean!, $y: Boolean = true) { count @include(if: $x) version "
		"count ...F @skip(if: $x) dog { id @include(if: $y) barks @skip(if: $x) } "
		"... @include(if: $x) { v: version } } fragment F on Query { f: version }";
	struct toy *toy = *state;

	check_answer(toy, document, "{\"x\":true}",
		"{\"data\":{\"count\":5,\"version\":\"version\",\"dog\":{\"id\":"
		"18446744073709551615},"
		"\"v\":\"version\"}}");
	check_answer(toy, document, "{\"x\":false,\"y\":false}",
		"{\"data\":{\"version\":\"version\",\"count\":5,\"f\":\"version\",\"dog\":{"
		"\"barks\":5}}}");
	check_answer(toy, "{ version @skip(if: true) dog { id @include(if: false) } }", NULL,
		"{\"data\":{\"dog\":{}}}");
	check_answer(toy, "{ version @skip(if: true) @include(if: true) count @skip(if: false) }",
		NULL, "{\"data\":{\"count\":5}}");
}

static void test_abstract(void **state)
{
	struct toy *toy = *state;

	/* "thing" has five letters: possible type number 5 % 3 = 2, Person; "animal" six: Dog. */
	check_answer(toy,
		"{ thing { __typename ... on Dog { barks } ... on Person { age } ... on Named { "
		"name } } "
		"animal { __typename sound ... on Cat { lives } ...A } } fragment A on Animal { id "
		"}",
		NULL,
		"{\"data\":{\"thing\":{\"__typename\":\"Person\",\"age\":3,\"name\":\"name\"},"
		"\"animal\":{\"__typename\":\"Dog\",\"sound\":\"sound\",\"id\":"
		"18446744073709551615}}}");
	check_answer(toy, "{ animals { name friends { __typename } } }", NULL,
		"{\"data\":{\"animals\":[{\"name\":\"name\",\"friends\":[{\"__typename\":\"Cat\"},"
		"{\"__typename\":\"Cat\"}]},{\"name\":\"name\",\"friends\":[{\"__typename\":"
		"\"Cat\"},"
		"{\"__typename\":\"Cat\"}]}]}}");
}

static void test_lists(void **state)
{
	check_answer(*state,
		"{ person { listWithHoles matrix petsWithHoles { id } strictWithHoles } }", NULL,
		"{\"data\":{\"person\":{\"listWithHoles\":[13,null],\"matrix\":[[6.5,6.5],[6.5,6.5]"
		"],"
		"\"petsWithHoles\":null,\"strictWithHoles\":null}},\"errors\":["
		"{\"message\":\"Cannot return null for non-nullable field Person.petsWithHoles.\","
		"\"locations\":[{\"line\":1,\"column\":33}],\"path\":[\"person\",\"petsWithHoles\","
		"1],"
		"\"extensions\":{\"code\":\"INTERNAL\"}},"
		"{\"message\":\"Cannot return null for non-nullable field "
		"Person.strictWithHoles.\","
		"\"locations\":[{\"line\":1,\"column\":54}],\"path\":[\"person\","
		"\"strictWithHoles\",1],"
		"\"extensions\":{\"code\":\"INTERNAL\"}}]}");
}

/* A null in a non-null place goes up to the nearest nullable field, list item or the data. */
static void test_nulls(void **state)
{
	struct toy *toy = *state;

	check_answer(toy, "{ version failing count }", NULL,
		"{\"data\":{\"version\":\"version\",\"failing\":null,\"count\":5},\"errors\":["
		"{\"message\":\"boom failing\",\"locations\":[{\"line\":1,\"column\":11}],"
		"\"path\":[\"failing\"],\"extensions\":{\"code\":\"BOOM\"}}]}");
	check_answer(toy, "{ version p: person { name self { self { failingHard } } } count }",
		NULL,
		"{\"data\":{\"version\":\"version\",\"p\":null,\"count\":5},\"errors\":["
		"{\"message\":\"boom failingHard\",\"locations\":[{\"line\":1,\"column\":42}],"
		"\"path\":[\"p\",\"self\",\"self\",\"failingHard\"],\"extensions\":{\"code\":"
		"\"BOOM\"}}]}");
	check_answer(toy, "{ people { brokenList } version }", NULL,
		"{\"data\":{\"people\":[null,null],\"version\":\"version\"},\"errors\":["
		"{\"message\":\"Cannot return null for non-nullable field Person.brokenList.\","
		"\"locations\":[{\"line\":1,\"column\":12}],\"path\":[\"people\",0,\"brokenList\"],"
		"\"extensions\":{\"code\":\"INTERNAL\"}},"
		"{\"message\":\"Cannot return null for non-nullable field Person.brokenList.\","
		"\"locations\":[{\"line\":1,\"column\":12}],\"path\":[\"people\",1,\"brokenList\"],"
		"\"extensions\":{\"code\":\"INTERNAL\"}}]}");
	check_contains(toy, "{ version brokenPerson { id } }", NULL, "{\"data\":null,\"errors\":[");
	check_contains(toy, "{ deeper { deep { deep { brokenPerson { id } } } } }", NULL,
		"{\"data\":{\"deeper\":null},");
	check_contains(
		toy, "mutation { a: add b: add brokenCount c: add }", NULL, "{\"data\":null,");
}

static void test_operations(void **state)
{
	struct toy *toy = *state;
	char *answer;

	answer = toy_run(toy, "query A { version } mutation B { add }", "B", NULL);
	assert_string_equal(answer, "{\"data\":{\"add\":3}}");
	free(answer);
	answer = toy_run(toy, "query A { version } query B { count }", NULL, NULL);
	assert_non_null(strstr(answer, "Must provide operation name if query contains multiple "
				       "operations."));
	free(answer);
	answer = toy_run(toy, "query A { version }", "C", NULL);
	assert_non_null(strstr(answer, "Unknown operation named \\\"C\\\"."));
	free(answer);
	check_refused(toy, "subscription { tick }", NULL, "A subscription needs a connection");
	check_refused(
		toy, "fragment F on Query { version }", NULL, "Fragment \\\"F\\\" is never used.");
}

static void test_subscriptions(void **state)
{
	static const char text[] =
		"subscription S($n: Int!, $s: Boolean = false) { t: tick(n: $n) @skip(if: $s) }";
	struct toy *toy = *state;
	struct reeve_gql_params params = {.variables = "{\"n\":7}", .variables_len = 7};
	struct reeve_gql_subscription *subscription;
	struct reeve_gql_document *document;
	struct reeve_json out;
	int32_t n = 0;
	int i;

	reeve_json_init(&out, 0);
	assert_int_equal(
		reeve_gql_document_acquire(toy->engine, text, strlen(text), &document, &out), 0);
	assert_int_equal(
		reeve_gql_subscription_open(toy->engine, document, &params, &subscription, &out),
		0);
	reeve_gql_document_release(document);
	assert_string_equal(reeve_gql_subscription_field(subscription), "tick");
	assert_int_equal(reeve_gql_value_i32(reeve_gql_subscription_arg(subscription, "n"), &n),
		REEVE_GQL_GIVEN);
	assert_int_equal(n, 7);
	assert_int_equal(reeve_gql_value_given(reeve_gql_subscription_arg(subscription, "color")),
		REEVE_GQL_OMITTED);
	for (i = 0; i < 3; i++) {
		reeve_json_reset(&out);
		assert_int_equal(reeve_gql_subscription_event(subscription, NULL, NULL, &out), 0);
		assert_int_equal(out.len, 16);
		assert_memory_equal(out.data, "{\"data\":{\"t\":4}}", 16);
	}
	reeve_gql_subscription_close(subscription);
	reeve_json_reset(&out);
	assert_int_equal(
		reeve_gql_document_acquire(toy->engine, text, strlen(text), &document, &out), 0);
	params.variables = NULL;
	assert_int_equal(
		reeve_gql_subscription_open(toy->engine, document, &params, &subscription, &out),
		REEVE_GQL_EVARIABLES);
	reeve_gql_document_release(document);
	reeve_json_fini(&out);
}

static void test_introspection(void **state)
{
	struct toy *toy = *state;

	check_answer(toy,
		"{ __schema { description queryType { name } mutationType { name } "
		"subscriptionType { name } } }",
		NULL,
		"{\"data\":{\"__schema\":{\"description\":\"A small schema with one of "
		"everything.\","
		"\"queryType\":{\"name\":\"Query\"},\"mutationType\":{\"name\":\"Mutation\"},"
		"\"subscriptionType\":{\"name\":\"Subscription\"}}}}");
	check_answer(toy,
		"{ __type(name: \"DateTime\") { kind name description specifiedByURL fields { "
		"name } ofType { name } } none: __type(name: \"Nothing\") { name } }",
		NULL,
		"{\"data\":{\"__type\":{\"kind\":\"SCALAR\",\"name\":\"DateTime\",\"description\":"
		"\"Instant.\",\"specifiedByURL\":\"https://www.rfc-editor.org/rfc/"
		"rfc3339\",\"fields\":"
		"null,\"ofType\":null},\"none\":null}}");
	check_answer(toy,
		"{ __type(name: \"Color\") { a: enumValues { name } "
		"b: enumValues(includeDeprecated: true) { name isDeprecated deprecationReason } } "
		"}",
		NULL,
		"{\"data\":{\"__type\":{\"a\":[{\"name\":\"RED\"},{\"name\":\"BLUE\"}],\"b\":["
		"{\"name\":\"RED\",\"isDeprecated\":false,\"deprecationReason\":null},"
		"{\"name\":\"GREEN\",\"isDeprecated\":true,\"deprecationReason\":\"too green\"},"
		"{\"name\":\"BLUE\",\"isDeprecated\":false,\"deprecationReason\":null}]}}}");
	check_answer(toy,
		"{ __type(name: \"Filter\") { inputFields { name defaultValue type { kind name "
		"ofType { "
		"kind ofType { kind name } } } } } }",
		NULL,
		"{\"data\":{\"__type\":{\"inputFields\":[{\"name\":\"point\",\"defaultValue\":"
		"\"{x: 1, y: 2, tags: [\\\"a\\\"], color: "
		"RED}\",\"type\":{\"kind\":\"INPUT_OBJECT\",\"name\":"
		"\"Point\",\"ofType\":null}},{\"name\":\"not\",\"defaultValue\":null,\"type\":{"
		"\"kind\":"
		"\"INPUT_OBJECT\",\"name\":\"Filter\",\"ofType\":null}},{\"name\":\"range\","
		"\"defaultValue\":\"[0, "
		"1.5]\",\"type\":{\"kind\":\"NON_NULL\",\"name\":null,\"ofType\":"
		"{\"kind\":\"LIST\",\"ofType\":{\"kind\":\"NON_NULL\",\"name\":null}}}}]}}}");
	check_answer(toy,
		"{ __type(name: \"Animal\") { kind interfaces { name } possibleTypes { name } } "
		"u: __type(name: \"Thing\") { kind fields { name } possibleTypes { name } } }",
		NULL,
		"{\"data\":{\"__type\":{\"kind\":\"INTERFACE\",\"interfaces\":[{\"name\":\"Named\"}"
		"],"
		"\"possibleTypes\":[{\"name\":\"Dog\"},{\"name\":\"Cat\"}]},\"u\":{\"kind\":"
		"\"UNION\","
		"\"fields\":null,\"possibleTypes\":[{\"name\":\"Dog\"},{\"name\":\"Cat\"},"
		"{\"name\":\"Person\"}]}}}");
	check_contains(toy,
		"{ __schema { directives { name isRepeatable locations args { name type { "
		"name } defaultValue } } } }",
		NULL,
		"{\"name\":\"tag\",\"isRepeatable\":true,\"locations\":[\"QUERY\",\"MUTATION\",");
	check_contains(toy, "{ __schema { directives { name args { name defaultValue } } } }", NULL,
		"{\"name\":\"deprecated\",\"args\":[{\"name\":\"reason\",\"defaultValue\":"
		"\"\\\"No longer supported\\\"\"}]}");
	check_fine(toy,
		"{ person { __typename } __schema { types { name fields(includeDeprecated: true) "
		"{ name args(includeDeprecated: true) { name isDeprecated } type { name } } } } }",
		NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merging),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_abstract),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_nulls),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_subscriptions),
		cmocka_unit_test(test_introspection),
	};

	return cmocka_run_group_tests(tests, open_toy, close_toy);
}
