/*
 * sql DB SQL...: runs each text on a database behind the store's back, and
 * prints the first column of every row. Exit 1 when a text fails, or when the
 * texts together change and print nothing: a test that edits must have edited.
 * sql DB -: the same for each line of standard input, as it comes, so that a
 * script can hold a transaction open.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static int put(void *seen, int n, char **values, char **names)
{
	(void)names;
	*(int *)seen = 1;
	if (n > 0)
		puts(values[0] ? values[0] : "");
	return 0;
}

static int run_lines(sqlite3 *db, int *seen)
{
	char line[4096];
	int rc = SQLITE_OK;

	while (rc == SQLITE_OK && fgets(line, sizeof(line), stdin)) {
		rc = sqlite3_exec(db, line, put, seen, NULL);
		fflush(stdout);
	}
	return rc;
}

int main(int argc, char **argv)
{
	sqlite3 *db = NULL;
	int seen = 0;
	int rc = SQLITE_OK;

	if (argc < 3) {
		fprintf(stderr, "usage: sql DB SQL...\n");
		return 2;
	}
	if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) !=
	    SQLITE_OK)
		rc = SQLITE_CANTOPEN;
	for (int i = 2; rc == SQLITE_OK && i < argc; i++)
		rc = strcmp(argv[i], "-") == 0
			     ? run_lines(db, &seen)
			     : sqlite3_exec(db, argv[i], put, &seen, NULL);
	if (rc == SQLITE_OK && !seen && sqlite3_total_changes(db) == 0)
		rc = SQLITE_DONE;
	if (rc != SQLITE_OK)
		fprintf(stderr, "sql: %s\n",
			rc == SQLITE_DONE ? "nothing was changed"
					  : sqlite3_errmsg(db));
	sqlite3_close(db);
	return rc == SQLITE_OK ? 0 : 1;
}
