/* SPDX-License-Identifier: Apache-2.0 */
/* The request filter, header by header, without a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BODY 1000

struct request {
	const char *method, *target, *version;
	const char *headers[8][2];
	size_t n_headers;
	bool is_guarded, is_open, is_tls;
	const char *const *names;
	size_t n_names;
};

/* A good one, to be spoilt. */
static struct request good_request(void)
{
	return (struct request){.method = "POST",
		.target = "/graphql",
		.version = "HTTP/1.1",
		.headers = {{"Host", "localhost:8080"}, {"Content-Length", "10"}},
		.n_headers = 2,
		.is_guarded = true};
}

static struct reeve_http_judgement judge(const struct request *request)
{
	struct reeve_http_filter filter = {0};
	for (size_t i = 0; i < request->n_headers; i++)
		reeve_http_filter_header(&filter, request->headers[i][0],
			strlen(request->headers[i][0]), request->headers[i][1],
			strlen(request->headers[i][1]));
	const struct reeve_http_place place = {.is_guarded = request->is_guarded,
		.is_open = request->is_open,
		.is_tls = request->is_tls,
		.names = request->names,
		.n_names = request->n_names,
		.max_body_bytes = MAX_BODY};
	return reeve_http_filter_judge(
		&filter, request->method, request->target, request->version, &place);
}

static void check(const struct request *request, int status)
{
	struct reeve_http_judgement judgement = judge(request);
	if (judgement.status != status)
		print_message("%s %s: %d %s\n", request->headers[request->n_headers - 1][0],
			request->headers[request->n_headers - 1][1], judgement.status,
			judgement.message != NULL ? judgement.message : "");
	assert_int_equal(judgement.status, status);
	if (status != 0) {
		assert_non_null(judgement.code);
		assert_non_null(judgement.message);
	}
}

static void check_with(const char *name, const char *value, int status)
{
	struct request request = good_request();
	request.headers[request.n_headers][0] = name;
	request.headers[request.n_headers++][1] = value;
	check(&request, status);
}

static void check_instead(size_t header, const char *value, int status)
{
	struct request request = good_request();
	request.headers[header][1] = value;
	check(&request, status);
}

static void lets_good_requests_in(void **state)
{
	(void)state;
	struct request request = good_request();
	check(&request, 0);
	request.method = "GET";
	request.n_headers = 1;
	check(&request, 0);
	request.version = "HTTP/1.0";
	check(&request, 0);
	check_with("Accept", "a,b;q=0.5\t", 0);
	check_with("X-Any.Token_chars!#$%&'*+^`|~9", "v", 0);
	check_with("Expect", "100-continue", 0);
}

static void refuses_bad_names_and_bytes(void **state)
{
	(void)state;
	const char *const names[] = {
		"", "Content-Length ", "A B", "A:", "A\tB", "A\"", "A(", "\xc3\xa4", "A\x01"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check_with(names[i], "v", 400);
	for (int c = 1; c < 0x80; c++) {
		char value[] = {'a', (char)c, 'b', '\0'};
		bool is_control = (c < 0x20 && c != '\t') || c == 0x7f;
		check_with("X", value, is_control ? 400 : 0);
	}
}

static void refuses_lengths_that_can_be_read_twice(void **state)
{
	(void)state;
	const char *const bad[] = {"", "-1", "+1", "0x10", "1,1", "10, 10", "1 ", " 1", "1.0",
		"1e1", "9999999999999999999", "18446744073709551616", "ten"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_instead(1, bad[i], 400);
	check_with("Content-Length", "10", 400);
	check_with("content-length", "11", 400);
	check_instead(1, "1000", 0);
	check_instead(1, "1001", 413);
	check_instead(1, "999999999999999999", 413);
	check_instead(1, "0", 0);
}

static void takes_chunked_alone(void **state)
{
	(void)state;
	struct request request = good_request();
	request.headers[1][0] = "Transfer-Encoding";
	request.headers[1][1] = "chunked";
	check(&request, 0);
	request.headers[1][1] = "Chunked";
	check(&request, 0);
	const char *const bad[] = {"", "identity", "gzip, chunked", "chunked, chunked",
		"chunked;q=1", "xchunked", " chunked"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		request.headers[1][1] = bad[i];
		check(&request, 400);
	}
	request.headers[1][1] = "chunked";
	request.version = "HTTP/1.0";
	check(&request, 400);
	check_with("Transfer-Encoding", "chunked", 400); /* besides a length */
}

static void wants_one_host_of_its_own(void **state)
{
	(void)state;
	const char *const own[] = {"localhost", "LocalHost:1", "127.0.0.1", "127.0.0.1:65535",
		"[::1]", "[::1]:8080", "localhost:", "127.0.0.2", "127.9.8.7:1"};
	const char *const foreign[] = {"", "example.org", "localhost.example.org", "localhost.",
		"127.0.0.1.nip.io", "128.0.0.1", "127.1", "0.0.0.0", "[::2]", "[::1", "::1",
		"localhost:80:80", "localhost:8x", "localhost:123456", "user@localhost", "[::1]x",
		"localhost/"};
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		check_instead(0, own[i], 0);
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		check_instead(0, foreign[i], 403);
	check_with("host", "localhost", 400);
	struct request none = good_request();
	none.headers[0][0] = "X-Host";
	check(&none, 400);
}

static void refuses_other_sites(void **state)
{
	(void)state;
	check_with("Origin", "http://localhost:8080", 0);
	check_with("Origin", "HTTP://LOCALHOST:8080", 0);
	const char *const foreign[] = {"null", "", "https://localhost:8080", "http://localhost",
		"http://localhost:3000", "http://127.0.0.1:8080", "http://example.org",
		"http://localhost:8080.example.org", "http://localhost:8080/"};
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		check_with("Origin", foreign[i], 403);
	check_with("Sec-Fetch-Site", "same-origin", 0);
	check_with("Sec-Fetch-Site", "none", 0);
	check_with("Sec-Fetch-Site", "same-site", 403);
	check_with("Sec-Fetch-Site", "cross-site", 403);
	struct request reading = good_request();
	reading.method = "GET";
	reading.headers[1][0] = "Sec-Fetch-Site";
	reading.headers[1][1] = "cross-site";
	check(&reading, 403); /* a target that does things */
	reading.is_guarded = false;
	check(&reading, 0); /* a link to a page that only tells */
	reading.method = "POST";
	check(&reading, 403);
}

/* A door of the network has numbers for names, and those it was given. */
static void knows_the_names_of_the_network(void **state)
{
	(void)state;
	static const char *const names[] = {"db1.example.org", "db1"};
	struct request request = good_request();
	request.is_open = true;
	const char *const numbers[] = {"10.0.0.1", "10.0.0.1:443", "[2001:db8::1]",
		"[2001:db8::1]:8080", "0.0.0.0", "localhost", "[::1]:1"};
	const char *const foreign[] = {"db1", "DB1.example.org", "10.0.0.1.example.org", "10.1",
		"10.0.0.256", "2001:db8::1", "[2001:db8::g]", "[]", "[10.0.0.1]", "", "10.0.0.1:x",
		"10.0.0.1 "};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		request.headers[0][1] = numbers[i];
		check(&request, 0);
	}
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		request.headers[0][1] = foreign[i];
		check(&request, 403);
	}
	request.names = names;
	request.n_names = 2;
	for (int open = 0; open < 2; open++) {
		request.is_open = open != 0;
		request.headers[0][1] = "DB1.Example.org:8080";
		check(&request, 0);
		request.headers[0][1] = "db1";
		check(&request, 0);
		request.headers[0][1] = "db1.example.org.example.org";
		check(&request, 403);
		request.headers[0][1] = "db";
		check(&request, 403);
	}
}

static void wants_the_scheme_of_the_door(void **state)
{
	(void)state;
	struct request request = good_request();
	request.is_tls = true;
	request.headers[2][0] = "Origin";
	request.n_headers = 3;
	request.headers[2][1] = "https://localhost:8080";
	check(&request, 0);
	request.headers[2][1] = "http://localhost:8080";
	check(&request, 403);
}

static void refuses_what_forms_send(void **state)
{
	(void)state;
	const char *const forms[] = {"text/plain", "Text/Plain; charset=utf-8",
		"application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
		"text/plain,application/json", "text/plain\t"};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		check_with("Content-Type", forms[i], 415);
	check_with("Content-Type", "application/json", 0);
	check_with("Content-Type", "text/plainer", 0);
	check_with("Content-Type", "", 0);
	struct request request = good_request();
	request.headers[2][0] = "Content-Type";
	request.headers[2][1] = "text/plain";
	request.n_headers = 3;
	request.method = "GET";
	check(&request, 0);
	request.method = "DELETE";
	check(&request, 415);
}

static void refuses_headers_that_decide_twice(void **state)
{
	(void)state;
	const char *const once[] = {"Authorization", "Content-Type", "Origin", "Sec-Fetch-Site"};
	const char *const values[] = {
		"Bearer x", "application/json", "http://localhost:8080", "same-origin"};
	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		struct request request = good_request();
		request.headers[2][0] = once[i];
		request.headers[2][1] = values[i];
		request.n_headers = 3;
		check(&request, 0);
		request.headers[3][0] = once[i];
		request.headers[3][1] = values[i];
		request.n_headers = 4;
		check(&request, 400);
	}
}

static void refuses_other_request_lines(void **state)
{
	(void)state;
	const char *const versions[] = {
		"HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/1.10", "http/1.1", ""};
	const char *const targets[] = {
		"", "*", "http://localhost/graphql", "graphql", "/a b", "/\t", "/\x01", "/\x7f"};
	const char *const methods[] = {"", "GE T", "G\x01", "GET\"", "P(", "\xc3\xa4"};
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		struct request request = good_request();
		request.version = versions[i];
		check(&request, 400);
	}
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct request request = good_request();
		request.target = targets[i];
		check(&request, 400);
	}
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct request request = good_request();
		request.method = methods[i];
		check(&request, 400);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lets_good_requests_in),
		cmocka_unit_test(refuses_bad_names_and_bytes),
		cmocka_unit_test(refuses_lengths_that_can_be_read_twice),
		cmocka_unit_test(takes_chunked_alone),
		cmocka_unit_test(wants_one_host_of_its_own),
		cmocka_unit_test(refuses_other_sites),
		cmocka_unit_test(refuses_other_request_lines),
		cmocka_unit_test(knows_the_names_of_the_network),
		cmocka_unit_test(wants_the_scheme_of_the_door),
		cmocka_unit_test(refuses_what_forms_send),
		cmocka_unit_test(refuses_headers_that_decide_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
