#!/bin/sh
# Judge published versions of clasp-client and clasp-router, and keep them in reports/rust/history.jsonl.
#
#   reports/crate_history.sh WORK 3.3.0 3.3.1 4.0.0 ... 4.5.0
#
# Start it in the checkout, with clasp-e2e and cargo on the PATH. All versions are built in WORK first, which takes
# minutes for each, so that no build disturbs a run; what WORK has already is not built again. A version that the
# adapter does not compile with is reported and left out.
set -eu
work=$1
shift
file=reports/rust/history.jsonl
for version in "$@"; do
  adapter=$work/$version/adapter
  program=$work/$version/clasp-e2e-rust-adapter
  [ ! -x "$program" ] || continue
  mkdir -p "$adapter"
  cp -R clasp_e2e/drivers/adapters/rust/. "$adapter"
  sed -i "/^clasp-/s/\"=[0-9.]*\"/\"=$version\"/" "$adapter/Cargo.toml"
  if cargo build --release --manifest-path "$adapter/Cargo.toml" --target-dir "$work/target"; then
    cp "$work/target/release/clasp-e2e-rust-adapter" "$program"
  else
    echo "clasp-client $version: the adapter does not compile with it" >&2
  fi
done
[ -z "${BUILD_ONLY-}" ] || exit 0
for version in "$@"; do
  driver="cmd:$work/$version/clasp-e2e-rust-adapter"
  [ -x "${driver#cmd:}" ] || continue
  # A version that does not conform ends the run with 1.
  clasp-e2e run --peer "$driver" --router "$driver" --seed 1 --results "$work/$version/results" || [ $? -le 3 ]
  clasp-e2e history add "$work/$version/results" --version "$version" --file "$file"
done
clasp-e2e history show --file "$file" --html "$work/history.html"
