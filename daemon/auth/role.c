/* SPDX-License-Identifier: Apache-2.0 */
/* role.c - see role.h. */
#include "auth/role.h"

#include <string.h>

const char *const reeved_role_names[REEVED_ROLES] = {"none", "viewer", "operator", "admin"};

bool reeved_role_parse(const char *text, enum reeved_role *ret_role)
{
	for (int role = 0; role < REEVED_ROLES; role++) {
		if (strcmp(text, reeved_role_names[role]) == 0) {
			*ret_role = (enum reeved_role)role;
			return true;
		}
	}
	return false;
}
