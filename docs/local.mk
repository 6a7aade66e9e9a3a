dist_man_MANS = docs/provctl.1
