/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls.c - the certificate of this process and its key, through GnuTLS; replaced while it runs.
 *
 * GnuTLS asks for them at each handshake, by a callback without a place for an argument of ours;
 * so the present pair is the process's. A replaced pair may be in the hands of a handshake, which
 * has head_seconds, an hour at most: it is freed when it has been out of use for longer.
 */
#include "http/internal.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_CHAIN    16u
#define KEEP_SECONDS 7200
#define KEY_ID_BYTES 64u

const char reeve__http_tls_priorities[] =
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

struct pair {
	gnutls_pcert_st chain[MAX_CHAIN];
	unsigned n_chain;
	gnutls_privkey_t key;
	time_t retired; /* when it was replaced */
	struct pair *older;
};

static _Atomic(struct pair *) present;
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER; /* for present->older */

__attribute__((format(printf, 2, 3))) static int refuse(
	struct reeve_error *err, const char *format, ...)
{
	if (err != NULL) {
		va_list args;
		va_start(args, format);
		err->code = REEVE_ECONFIGURATION;
		vsnprintf(err->text, sizeof(err->text), format, args);
		va_end(args);
	}
	return REEVE_ECONFIGURATION;
}

static int give_pair(gnutls_session_t session, const gnutls_datum_t *names, int n_names,
	const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **ret_chain,
	unsigned *ret_n_chain, gnutls_privkey_t *ret_key)
{
	(void)session;
	(void)names;
	(void)n_names;
	(void)algorithms;
	(void)n_algorithms;
	struct pair *pair = atomic_load_explicit(&present, memory_order_acquire);
	if (pair == NULL)
		return -1;
	*ret_chain = pair->chain;
	*ret_n_chain = pair->n_chain;
	*ret_key = pair->key;
	return 0;
}

void *reeve__http_tls_callback(void)
{
	/* libmicrohttpd takes it as a variable argument, which it reads back as what it is. */
	return (void *)(uintptr_t)give_pair;
}

static void free_pair(struct pair *pair)
{
	for (unsigned i = 0; i < pair->n_chain; i++)
		gnutls_pcert_deinit(&pair->chain[i]);
	if (pair->key != NULL)
		gnutls_privkey_deinit(pair->key);
	free(pair);
}

static int load_chain(struct pair *pair, const char *path, struct reeve_error *err)
{
	unsigned n = MAX_CHAIN;
	int rc = gnutls_pcert_list_import_x509_file(
		pair->chain, &n, path, GNUTLS_X509_FMT_PEM, NULL, NULL, 0);
	if (rc < 0)
		return refuse(
			err, "the certificate %s cannot be loaded: %s", path, gnutls_strerror(rc));
	pair->n_chain = n;
	return 0;
}

/* Whoever can read the key can be this server. */
static int load_key(struct pair *pair, const char *path, struct reeve_error *err)
{
	struct stat status;
	gnutls_datum_t text = {NULL, 0};
	if (stat(path, &status) != 0)
		return refuse(err, "the key %s cannot be read: %s", path, strerror(errno));
	if ((status.st_mode & S_IRWXO) != 0)
		return refuse(
			err, "the key %s can be read or written by everybody: chmod o= it", path);
	int rc = gnutls_load_file(path, &text);
	if (rc >= 0)
		rc = gnutls_privkey_init(&pair->key);
	if (rc >= 0)
		rc = gnutls_privkey_import_x509_raw(pair->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (text.data != NULL)
		gnutls_memset(text.data, 0, text.size);
	gnutls_free(text.data);
	return rc >= 0 ? 0
		       : refuse(err, "the key %s cannot be loaded: %s", path, gnutls_strerror(rc));
}

static bool get_key_id(gnutls_pubkey_t key, unsigned char id[KEY_ID_BYTES], size_t *ret_len)
{
	*ret_len = KEY_ID_BYTES;
	return gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id, ret_len) == 0;
}

static bool is_match(const struct pair *pair)
{
	unsigned char of_key[KEY_ID_BYTES], of_cert[KEY_ID_BYTES];
	size_t key_len = 0, cert_len = 0;
	gnutls_pubkey_t key;
	if (gnutls_pubkey_init(&key) != 0)
		return false;
	bool ok = gnutls_pubkey_import_privkey(key, pair->key, 0, 0) == 0 &&
		  get_key_id(key, of_key, &key_len) &&
		  get_key_id(pair->chain[0].pubkey, of_cert, &cert_len) && key_len == cert_len &&
		  memcmp(of_key, of_cert, key_len) == 0;
	gnutls_pubkey_deinit(key);
	return ok;
}

static bool is_expired(const struct pair *pair)
{
	gnutls_x509_crt_t cert;
	if (gnutls_x509_crt_init(&cert) != 0)
		return true;
	bool is_valid =
		gnutls_x509_crt_import(cert, &pair->chain[0].cert, GNUTLS_X509_FMT_DER) == 0 &&
		gnutls_x509_crt_get_expiration_time(cert) > time(NULL);
	gnutls_x509_crt_deinit(cert);
	return !is_valid;
}

static int load_pair(
	struct pair *pair, const char *cert_path, const char *key_path, struct reeve_error *err)
{
	int rc = load_chain(pair, cert_path, err);
	if (rc == 0)
		rc = load_key(pair, key_path, err);
	if (rc == 0 && !is_match(pair))
		rc = refuse(err, "the key %s is not the one of the certificate %s", key_path,
			cert_path);
	if (rc == 0 && is_expired(pair))
		rc = refuse(err, "the certificate %s has expired", cert_path);
	return rc;
}

static void free_retired(struct pair *pair, time_t now)
{
	while (pair->older != NULL && now - pair->older->retired < KEEP_SECONDS)
		pair = pair->older;
	struct pair *oldest = pair->older;
	pair->older = NULL;
	while (oldest != NULL) {
		struct pair *next = oldest->older;
		free_pair(oldest);
		oldest = next;
	}
}

int reeve_http_tls_load(const char *cert_path, const char *key_path, struct reeve_error *err)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	if (pair == NULL)
		return refuse(err, "out of memory for the certificate %s", cert_path);
	int rc = load_pair(pair, cert_path, key_path, err);
	if (rc != 0) {
		free_pair(pair);
		return rc;
	}
	pthread_mutex_lock(&loading);
	pair->older = atomic_load_explicit(&present, memory_order_relaxed);
	if (pair->older != NULL)
		pair->older->retired = time(NULL);
	free_retired(pair, time(NULL));
	/* Pairs with the acquire of give_pair(). */
	atomic_store_explicit(&present, pair, memory_order_release);
	pthread_mutex_unlock(&loading);
	return 0;
}
