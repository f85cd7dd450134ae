/* SPDX-License-Identifier: Apache-2.0 */
/* family.c - see family.h. */
#include "metrics/family.h"

#include <string.h>

static uint64_t read_member(const struct reeved_family *family, const void *object)
{
	const char *at = (const char *)object + family->offset;
	uint64_t wide;
	uint32_t narrow;
	if (family->size == sizeof(narrow)) {
		memcpy(&narrow, at, sizeof(narrow));
		return narrow == UINT32_MAX ? REEVE_UNLIMITED : narrow;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide;
}

void reeved_family_write(struct reeved_metrics_writer *w, const struct reeved_family *family,
	const void *object, struct reeved_label label)
{
	uint64_t value = read_member(family, object);
	if (value == REEVE_UNLIMITED)
		return;
	if (family->divisor > 0)
		reeved_metrics_real(w, label, REEVED_NO_LABEL, (double)value / family->divisor);
	else
		reeved_metrics_whole(w, label, REEVED_NO_LABEL, value);
}

static void begin(struct reeved_metrics_writer *w, const struct reeved_family *family)
{
	reeved_metrics_family(w, family->type, family->name, family->unit, family->help);
}

/* A family without samples is left out. */
static bool is_told(const struct reeved_family *family, const char *rows, size_t stride, size_t n)
{
	for (size_t row = 0; row < n; row++)
		if (read_member(family, rows + row * stride) != REEVE_UNLIMITED)
			return true;
	return false;
}

void reeved_family_write_all(struct reeved_metrics_writer *w, const struct reeved_family *families,
	size_t n, const void *object)
{
	static const char *const none = NULL;
	reeved_family_write_rows(w, families, n, NULL, &none, object, 0, 1);
}

void reeved_family_write_rows(struct reeved_metrics_writer *w, const struct reeved_family *families,
	size_t n, const char *key, const char *const *names, const void *rows, size_t stride,
	size_t n_rows)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_told(&families[i], rows, stride, n_rows))
			continue;
		begin(w, &families[i]);
		for (size_t row = 0; row < n_rows; row++)
			reeved_family_write(w, &families[i], (const char *)rows + row * stride,
				(struct reeved_label){key, names[row]});
	}
}
