/* Runs a fuzz target over the files and folders named, so that the corpus is a test with any
 * compiler. Prints each file before it is run: the last one printed is the one that failed. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static unsigned replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(1);
	}
	rewind(file);
	/* Exactly the size, so that the address sanitizer sees reads past the end. */
	data = malloc((size_t)size + !size);
	if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
		exit(1);
	fclose(file);
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 1;
}

static unsigned replay_folder(const char *path, DIR *folder)
{
	const struct dirent *entry;
	char name[4096];
	unsigned n = 0;

	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		n += replay_file(name);
	}
	closedir(folder);
	return n;
}

int main(int argc, char **argv)
{
	unsigned n = 0;
	int i;

	LLVMFuzzerInitialize(&argc, &argv);
	for (i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);

		n += folder ? replay_folder(argv[i], folder) : replay_file(argv[i]);
	}
	printf("%u files\n", n);
	return n ? 0 : 1;
}
