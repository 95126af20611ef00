"""What the client at the other end can do, read once from its capabilities."""

from dataclasses import dataclass
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability


@dataclass(frozen=True, kw_only=True)
class Client:
    """encoding: the units of columns. literals: code actions may carry edits, not only commands."""

    encoding: str = "utf-16"
    literals: bool = False
    resolves_edits: bool = False
    disabled_actions: bool = False
    document_changes: bool = False
    annotations: bool = False
    creates_files: bool = False
    related_information: bool = False
    diagnostic_tags: bool = False
    diagnostic_data: bool = False
    code_descriptions: bool = False
    markdown: bool = False
    progress: bool = False
    pulls: bool = False
    refreshes_lenses: bool = False
    watches: bool = False
    shows_documents: bool = False
    content_documents: bool = False
    llm_tag: bool = False
    link_tooltips: bool = False
    refreshes_hints: bool = False
    configures: bool = False
    registers_configuration: bool = False


def read_client(capabilities: types.ClientCapabilities, encoding: str) -> Client:
    def get(path: str, default: Any = None) -> Any:
        return get_capability(capabilities, path, default)  # type: ignore[call-overload]

    def shown(name: str) -> Any:
        """What clients understand in a diagnostic, whether pushed or pulled."""
        pushed = get(f"text_document.publish_diagnostics.{name}")
        return pushed if pushed is not None else get(f"text_document.diagnostic.{name}")

    markup = get("text_document.hover.content_format", ()) or ()
    resolvable = get("text_document.code_action.resolve_support.properties", ()) or ()
    operations = get("workspace.workspace_edit.resource_operations", ()) or ()
    return Client(
        encoding=encoding,
        literals=get("text_document.code_action.code_action_literal_support") is not None,
        resolves_edits="edit" in resolvable and bool(get("text_document.code_action.data_support", False)),
        disabled_actions=bool(get("text_document.code_action.disabled_support", False)),
        document_changes=bool(get("workspace.workspace_edit.document_changes", False)),
        annotations=get("workspace.workspace_edit.change_annotation_support") is not None,
        creates_files=types.ResourceOperationKind.Create in operations
        and bool(get("workspace.workspace_edit.document_changes", False)),
        related_information=bool(shown("related_information")),
        diagnostic_tags=shown("tag_support") is not None,
        diagnostic_data=bool(shown("data_support")),
        code_descriptions=bool(shown("code_description_support")),
        markdown=types.MarkupKind.Markdown in markup,
        progress=bool(get("window.work_done_progress", False)),
        pulls=get("text_document.diagnostic") is not None
        and bool(get("workspace.diagnostics.refresh_support", False)),
        refreshes_lenses=bool(get("workspace.code_lens.refresh_support", False)),
        watches=bool(get("workspace.did_change_watched_files.dynamic_registration", False)),
        shows_documents=bool(get("window.show_document.support", False)),
        content_documents=get("workspace.text_document_content") is not None,
        link_tooltips=bool(get("text_document.document_link.tooltip_support", False)),
        refreshes_hints=bool(get("workspace.inlay_hint.refresh_support", False)),
        configures=bool(get("workspace.configuration", False)),
        registers_configuration=bool(get("workspace.did_change_configuration.dynamic_registration", False)),
        llm_tag=types.CodeActionTag.LlmGenerated
        in (get("text_document.code_action.tag_support.value_set", ()) or ()),
    )
