/* SPDX-License-Identifier: Apache-2.0 */
/* Sets the manager's rebalancing interval in a segment that others use: set_interval SEGMENT SECONDS. */
#include <reeve/reeve.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_manager_config config = {0};
	struct reeve_error err = {0};
	struct reeve *reeve;
	if (argc != 3)
		return 2;
	options.path = argv[1];
	config.rebalancing_period_ns = strtoll(argv[2], NULL, 10) * REEVE_SEC;
	if (reeve_open(&options, &reeve, &err) == 0) {
		reeve_manager_config_set(reeve, REEVE_MANAGER_REBALANCING_PERIOD, &config, &err);
		reeve_close(reeve);
	}
	if (err.code != 0)
		fprintf(stderr, "%s\n", err.text);
	return err.code != 0;
}
