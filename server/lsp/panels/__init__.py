"""What the editor's own views ask for, one file each: requests beyond LSP, whose shapes are those of
editor-client/vscode/src/protocol.ts. Everything is answered from memory or by a background thread."""
