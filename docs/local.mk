dist_man_MANS = docs/provctl.1 docs/provctl-bundle.5
EXTRA_DIST += docs/performance.md docs/playbooks/order.md
