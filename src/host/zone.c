/* SPDX-License-Identifier: Apache-2.0 */
/* zone.c - reading time zones from where the machine keeps them. */
#include "zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONES	  "/usr/share/zoneinfo/"
#define FILE_MAX_ ((size_t)65536) /* the largest zone of tzdata has 4 kB */

/* The whole of a regular file, at most FILE_MAX_ bytes; negative errno. */
static ssize_t read_file(const char *path, char *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n, done = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)FILE_MAX_) {
		close(fd);
		return -EINVAL;
	}
	while ((n = read(fd, to + done, FILE_MAX_ - (size_t)done)) > 0)
		done += n;
	n = n < 0 ? -errno : done;
	close(fd);
	return n;
}

static int load_file(
	const char *path, const char *name, struct reeve_sh_zone_data *ret, struct reeve_error *err)
{
	char *bytes = calloc(1, FILE_MAX_);
	struct reeve_error why;
	ssize_t n;
	int rc;

	if (!bytes)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	n = read_file(path, bytes);
	if (n == -ENOENT || n == -ENOTDIR || n == -EISDIR || n == -EINVAL)
		rc = reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"time zone \"%s\" is not in " ZONES
			"; names are such as Europe/Berlin (package tzdata)",
			name);
	else if (n < 0)
		rc = reeve__fail(err, REEVE_ESYSTEM, "%s: %s", path, strerrordesc_np((int)-n));
	else if ((rc = reeve__zone_parse(bytes, (size_t)n, ret, &why)))
		rc = reeve__fail(err, rc, "time zone \"%s\": %.160s", name, why.text);
	free(bytes);
	return rc;
}

static int load_named(const char *name, struct reeve_sh_zone_data *ret, struct reeve_error *err)
{
	char path[sizeof(ZONES) + REEVE_ZONE_NAME_MAX];

	if (!reeve__zone_name_ok(name))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"time zone \"%.64s\" is malformed; names are such as Europe/Berlin, at "
			"most %d bytes",
			name, REEVE_ZONE_NAME_MAX - 1);
	if (strcmp(name, "UTC") == 0) {
		reeve__zone_utc(ret);
		return 0;
	}
	snprintf(path, sizeof(path), ZONES "%s", name);
	return load_file(path, name, ret, err);
}

/* TZ as the C library reads it, then /etc/localtime; UTC when neither can be read. */
static int load_server(struct reeve_sh_zone_data *ret, struct reeve_error *err)
{
	const char *tz = getenv("TZ");
	int rc;

	if (tz && *tz == ':')
		tz++;
	if (!tz)
		rc = load_file("/etc/localtime", "/etc/localtime", ret, NULL);
	else if (*tz == '/')
		rc = load_file(tz, tz, ret, NULL);
	else if ((rc = load_named(tz, ret, NULL)) != 0)
		rc = reeve__zone_parse_rule(tz, ret, NULL);
	if (rc == REEVE_ERESOURCE_EXHAUSTED)
		return reeve__fail(err, rc, "out of memory");
	if (rc)
		reeve__zone_utc(ret);
	return 0;
}

int reeve__zone_load(const char *name, struct reeve_sh_zone_data *ret, struct reeve_error *err)
{
	if (*name)
		return load_named(name, ret, err);
	return load_server(ret, err);
}
