"""A stand-in for the Python extension: the real one comes from a marketplace that tests do not reach.

It has of its public API what ours asks: which interpreter is selected, and an event when that changes.
"""

import json
import zipfile
from pathlib import Path

PACKAGE = {
    "publisher": "ms-python",
    "name": "python",
    "version": "2026.1.0",
    "engines": {"vscode": "^1.90.0"},
    "main": "./main.js",
    "activationEvents": [],
}
MAIN = """
const { readFileSync, watch } = require('node:fs');
const vscode = require('vscode');
const named = %s;
exports.activate = () => {
  const changed = new vscode.EventEmitter();
  watch(named, () => changed.fire({}));
  return { environments: {
    getActiveEnvironmentPath: () => ({ path: readFileSync(named, 'utf8') }),
    resolveEnvironment: async ({ path }) => ({ executable: { uri: vscode.Uri.file(path) } }),
    onDidChangeActiveEnvironmentPath: changed.event,
  } };
};
"""
MANIFEST = """<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata><Identity Language="en-US" Id="python" Version="2026.1.0" Publisher="ms-python"/></Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
  <Assets><Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/></Assets>
</PackageManifest>
"""
TYPES = """<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension=".json" ContentType="application/json"/><Default Extension=".js" ContentType="text/javascript"/>
  <Default Extension=".vsixmanifest" ContentType="text/xml"/>
</Types>
"""


def python_extension(folder: Path, named: Path) -> Path:
    """The .vsix in `folder`. named: the file that holds the path of the selected interpreter."""
    vsix = folder / "python-stand-in.vsix"
    with zipfile.ZipFile(vsix, "w") as archive:
        archive.writestr("extension.vsixmanifest", MANIFEST)
        archive.writestr("[Content_Types].xml", TYPES)
        archive.writestr("extension/package.json", json.dumps(PACKAGE))
        archive.writestr("extension/main.js", MAIN % json.dumps(str(named)))
    return vsix
