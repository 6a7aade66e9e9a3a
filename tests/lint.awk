# The rules of tests/lint.sh on C sources, in one pass over all of them.
# Heuristics on text, not a parser: clang-format keeps the code in the shape
# that they rely on (a function's braces stand alone in column 1).

function report(rule, line, what) {
	gsub(/[ \t]+/, " ", what)
	sub(/^ /, "", what)
	print rule "\t" name "\t" line "\t" what
}

# The text without comments and literals; in_comment carries over lines.
function strip(s,    at, end, out) {
	out = ""
	if (!in_comment) {
		gsub(/\\./, "", s)
		gsub(/"[^"]*"/, "\"\"", s)
		gsub(/'[^']*'/, "''", s)
	}
	while (s != "") {
		if (in_comment) {
			end = index(s, "*/")
			if (!end)
				return out
			s = substr(s, end + 2)
			in_comment = 0
			continue
		}
		if (!match(s, /\/[*\/]/))
			return out s
		at = RSTART
		out = out substr(s, 1, at - 1)
		if (substr(s, at + 1, 1) == "/")
			return out
		s = substr(s, at + 2)
		in_comment = 1
	}
	return out
}

function calls(s, names) {
	return s ~ ("(^|[^A-Za-z0-9_>.])(" names ")[ ]*\\(")
}

# A declarator before its initializer: may it be written to at run time?
function is_mutable(s) {
	sub(/=.*/, "", s)
	gsub(/__attribute__[ ]*\(\([^)]*\)\)/, "", s)
	if (s ~ /(^|[ \t])(typedef|using)[ \t]/ || s !~ /[A-Za-z0-9_]/)
		return 0
	if (s ~ /\(\*/)
		return s !~ /\(\*[ ]*const/ && s !~ /^[^(]*\([^*]/
	if (s ~ /\(/ || s !~ /[A-Za-z0-9_\]*][ \t]+[*]*[A-Za-z_]/)
		return 0
	if (s ~ /\*/) {
		sub(/.*\*/, "", s)
		return s !~ /const/
	}
	return s !~ /(^|[^A-Za-z0-9_])const([^A-Za-z0-9_]|$)/
}

function check_global(s) {
	gsub(/[ \t]+/, " ", s)
	sub(/^ /, "", s)
	if (s ~ /^(struct|union|enum)( [A-Za-z0-9_]+)?$/)
		return
	if (is_mutable(s))
		report("mutable-global", started, s)
}

# Statements at file scope, by counting braces of stripped text.
function scan_globals(s,    i, n, parts, c) {
	if (s ~ /^[ \t]*#/ || in_macro) {
		in_macro = s ~ /\\$/
		return
	}
	n = split(s, parts, "")
	for (i = 1; i <= n; i++) {
		c = parts[i]
		if (c == "{") {
			if (depth++ == 0)
				open_brace()
		} else if (c == "}") {
			if (depth > 0 && --depth == 0 && kind == "body")
				statement = ""
		} else if (depth == 0 && c == ";") {
			if (kind != "value")
				check_global(statement)
			statement = ""
			kind = ""
		} else if (depth == 0 && (statement != "" || c !~ /[ \t]/)) {
			if (statement == "")
				started = FNR
			statement = statement c
		}
	}
	if (depth == 0 && statement != "")
		statement = statement " "
}

# What a brace at file scope opens: a value, a type or a function's body.
function open_brace() {
	if (statement ~ /=/) {
		kind = "value"
		check_global(statement)
	} else if (statement ~ /\(/) {
		kind = "body"
	} else {
		kind = "type"
		sub(/(struct|union|enum)( [A-Za-z0-9_]+)?[ ]*$/, "int ",
		    statement)
		if (statement !~ /[a-z]+ int $/)
			statement = statement " "
		if (statement ~ /^ *int *$/)
			statement = "int "
	}
}

function layer_of(path) {
	if (path ~ /^lib\/hsm\.h$/)
		return "lib/hsm.h"
	if (path ~ /^lib\//)
		return substr(path, 1, 4 + index(substr(path, 5), "/") - 1)
	return substr(path, 1, index(path, "/") - 1)
}

# What a layer may include, beside itself. A backend of the store writes log
# entries in its own transactions, so it knows their form; store.h does not.
function reaches(from, to, path) {
	if (from == "lib/base")
		return 0
	if (from == "lib/device")
		return path ~ /^lib\/base\/(cbor|cbor_mem|cose|linkframe)\.h$/
	if (to == "lib/base")
		return 1
	if (from == "policy")
		return path ~ /^lib\/x509\/(profile|value)\.h$/
	if (to == "lib/hsm.h")
		return from ~ /^(pkcs11|cmd|lib\/(x509|seal|log|store|flow|ceremony))$/
	if (from == "lib/store" && name ~ /^lib\/store\/(sqlite|pg)[^\/]*$/)
		return path ~ /^lib\/log\/(acts|ceremony|entry|govern|tree)\.h$/
	if (from == "lib/evidence")
		return to == "lib/x509"
	if (to == "lib/flow")
		return from == "lib/ceremony" || from == "cmd"
	if (to == "lib/ceremony")
		return from == "cmd"
	if (from == "lib/flow" || from == "lib/ceremony" || from == "cmd")
		return to ~ /^(policy|lib\/(evidence|x509|seal|log|store))$/
	return 0
}

function base_of(path) {
	sub(/.*\//, "", path)
	return path
}

function check_include(line,    path, to, own) {
	if (!match(line, /^[ \t]*#[ \t]*include[ \t]*"[^"]*"/))
		return
	path = substr(line, RSTART, RLENGTH - 1)
	sub(/.*"/, "", path)
	if (path == "config.h")
		return
	if (path !~ /\// || path ~ /\.\.?\//) {
		report("include-path", FNR, path ": written from the top")
		return
	}
	if (top == "tests")
		return
	to = layer_of(path)
	own = to == layer_of(name)
	if (path ~ /impl\.h$/ && !own) {
		report("include-private", FNR, path)
		return
	}
	if (to == "lib/store" && !own && base_of(path) !~ /^store/ ||
	    to == "pkcs11" && !own) {
		if (name != "cmd/main.c" && name != "cmd/backends.c" ||
		    to == "pkcs11" && path != "pkcs11/pkcs11.h")
			report("include-backend", FNR, path)
		return
	}
	if (name ~ /^cmd\/provdev/ && to == "lib/device")
		return
	if (to == "tests" || !own && !reaches(layer_of(name), to, path))
		report("include-direction", FNR, path)
}

function check_calls(s) {
	# A test may fill a fixture from a literal; everything else is bounded.
	if (calls(s, "gets|strcpy|stpcpy|strcat|sprintf|vsprintf") &&
	    !(top == "tests" && $0 ~ /strc(py|at)\(.*, "/))
		report("banned-call", FNR, $0)
	if (top == "tests")
		return
	if (calls(s, "atoi|atol|atoll|atof|system|popen|tmpnam|mktemp"))
		report("banned-call", FNR, $0)
	if (s ~ /typedef[ \t]+(struct|union)/)
		report("struct-typedef", FNR, $0)
	if (top != "cmd" &&
	    (calls(s, "exit|quick_exit|printf|vprintf|puts|putchar|perror") ||
	     s ~ /f(printf|puts|putc|write)[ ]*\(.*std(err|out)/ ||
	     s ~ /f?printf[ ]*\([ ]*std(err|out)/))
		report("library-output", FNR, $0)
	if (top == "policy" &&
	    calls(s, "open|openat|fopen|read|write|fread|fwrite|time|" \
		     "clock_gettime|getenv|socket|pvtime_[a-z]+_m?s|" \
		     "(file|dir|fd)_[a-z_]+"))
		report("policy-io", FNR, $0)
	if (name ~ /^lib\/device\// &&
	    calls(s, "malloc|calloc|realloc|free|strdup|alloca"))
		report("device-heap", FNR, $0)
	if (depth > 0 && s ~ /^[ \t]+static[ \t]/ && s ~ /[;={]/ && s !~ /\(/ &&
	    is_mutable(s))
		report("mutable-global", FNR, $0)
}

function finish_file() {
	if (name == "")
		return
	if (lines > 500)
		report("file-length", lines, "over 500 lines")
	if (name ~ /\.h$/ && lines > 120)
		report("header-length", lines, "over 120 lines")
	if (name ~ /^cmd\/cmd_[^\/]*\.c$/ && lines > 200)
		report("command-length", lines, "over 200 lines")
}

FNR == 1 {
	finish_file()
	name = substr(FILENAME, length(root) + 2)
	top = substr(name, 1, index(name, "/") - 1)
	in_comment = depth = in_macro = body = 0
	statement = kind = head = ""
}

{
	lines = FNR
	if ($0 ~ /[ \t\r]$/)
		report("trailing-blank", FNR, "")
	if ($0 ~ /^ *\t* {8}/ || $0 ~ /^ +\t/ || $0 ~ /^\t*        /)
		report("indent", FNR, "blanks where a tab stands")
	check_include($0)
	if ($0 ~ /^[A-Za-z_].*\(/)
		head = $0
	if ($0 ~ /^\{/)
		body = FNR
	if ($0 ~ /^\}/ && body) {
		if (FNR - body + 1 > 80)
			report("function-length", body, head)
		body = 0
	}
	text = strip($0)
	if (text ~ /[^ \t]/) {
		check_calls(text)
		if (top != "tests")
			scan_globals(text)
	}
}

END {
	finish_file()
}
