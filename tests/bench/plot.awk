# plot: one self-contained SVG page from lines "SERIES rate|memory DEVICES
# VALUE": rate and memory over devices, devices on a logarithmic axis. For awk
# alone: awk -v title=TEXT -f plot.awk FILE.

function log10(v) {
	return log(v) / log(10)
}

function escape(s) {
	gsub(/&/, "\\&amp;", s)
	gsub(/</, "\\&lt;", s)
	return s
}

# A round number not below v, for the top of an axis.
function nice(v,    unit) {
	unit = 10 ^ int(log10(v > 0 ? v : 1))
	if (v <= unit)
		return unit
	if (v <= 2 * unit)
		return 2 * unit
	if (v <= 5 * unit)
		return 5 * unit
	return 10 * unit
}

function x_of(devices) {
	return left + width * (log10(devices) - x_from) / (x_to - x_from)
}

function y_of(kind, value) {
	return top[kind] + height * (1 - value / y_max[kind])
}

function label(x, y, anchor, text) {
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
		x, y, anchor, escape(text)
}

function rule(x1, y1, x2, y2, class) {
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n",
		x1, y1, x2, y2, class
}

function axes(kind, what,    i, v, y) {
	label(left, top[kind] - 10, "start", what)
	for (i = 0; i <= 4; i++) {
		v = y_max[kind] * i / 4
		y = y_of(kind, v)
		rule(left, y, left + width, y, "grid")
		label(left - 6, y + 4, "end", v)
	}
	for (i = x_from; i <= x_to; i++) {
		rule(x_of(10 ^ i), top[kind], x_of(10 ^ i), top[kind] + height,
		    "grid")
		label(x_of(10 ^ i), top[kind] + height + 16, "middle",
		    sprintf("%d", 10 ^ i))
	}
	label(left + width, top[kind] + height + 32, "end", "devices")
}

function curve(kind, s,    i, n) {
	n = points[kind, s]
	if (!n)
		return
	printf "<polyline class=\"s%d\" points=\"", order[s] % 6
	for (i = 1; i <= n; i++)
		printf "%.1f,%.1f ", x_of(x[kind, s, i]), y_of(kind, y[kind, s, i])
	print "\"/>"
	if (n == 1)
		printf "<circle class=\"s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n",
			order[s] % 6, x_of(x[kind, s, 1]), y_of(kind, y[kind, s, 1])
}

BEGIN {
	left = 80
	width = 760
	height = 240
	top["rate"] = 90
	top["memory"] = 430
}

NF == 4 && $3 > 0 {
	if (!($1 in order)) {
		order[$1] = series
		name[series++] = $1
	}
	i = ++points[$2, $1]
	x[$2, $1, i] = $3
	y[$2, $1, i] = $4
	if ($4 > y_max[$2])
		y_max[$2] = $4
	if (!x_least || $3 < x_least)
		x_least = $3
	if ($3 > x_most)
		x_most = $3
}

END {
	if (!series)
		exit 1
	x_from = int(log10(x_least))
	x_to = int(log10(x_most))
	if (10 ^ x_to < x_most)
		x_to++
	if (x_to == x_from)
		x_to++
	y_max["rate"] = nice(y_max["rate"])
	y_max["memory"] = nice(y_max["memory"])
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 880 740\">"
	print "<style>text{font:12px sans-serif;fill:#222}.grid{stroke:#ddd}"
	print "polyline{fill:none;stroke-width:1.5}"
	print ".s0{stroke:#0b62a4}.s1{stroke:#c0392b}.s2{stroke:#2e8b57}"
	print ".s3{stroke:#8e44ad}.s4{stroke:#d68910}.s5{stroke:#555}</style>"
	print "<rect width=\"880\" height=\"740\" fill=\"#fff\"/>"
	label(left, 24, "start", title)
	for (i = 0; i < series; i++) {
		printf "<line x1=\"%d\" y1=\"44\" x2=\"%d\" y2=\"44\" class=\"s%d\" stroke-width=\"3\"/>\n",
			left + 190 * i, left + 190 * i + 20, i % 6
		label(left + 190 * i + 26, 48, "start", name[i])
	}
	axes("rate", "devices a second, each point over 10,000 devices, or a tenth of a shorter run")
	axes("memory", "MiB, PSS of all processes together")
	for (i = 0; i < series; i++) {
		curve("rate", name[i])
		curve("memory", name[i])
	}
	print "</svg>"
}
