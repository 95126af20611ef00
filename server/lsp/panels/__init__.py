"""Requests of the editor's own views, one file each; editor-client/vscode/src/protocol.ts declares their shapes.

They are beyond LSP, and are answered from memory or by a background thread.
"""
