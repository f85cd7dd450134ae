/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c - puts the text of schema.graphql into the program. The build names the file. */
#include "schema.h"

__asm__(".pushsection .rodata\n"
	".globl reeved_schema\n"
	"reeved_schema:\n"
	".incbin \"" REEVED_SCHEMA_FILE "\"\n"
	".globl reeved_schema_end\n"
	"reeved_schema_end:\n"
	".byte 0\n"
	".popsection\n");

extern const char reeved_schema_end[];

size_t reeved_schema_len(void)
{
	return (size_t)(reeved_schema_end - reeved_schema);
}
