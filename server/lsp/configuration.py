"""Reads the client's settings at the start and whenever they change."""

from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from server.lsp.session import Session
from server.lsp.settings import from_configuration, from_options

SECTION = "evolverec"
MOST_TOLD = 50  # warnings in a session; who changes settings that often reads them no more


def begin(session: Session, options: Any) -> None:
    """Take the settings from the initializationOptions of `initialize`."""
    session.start_settings, wrong = from_options(options)
    session.settings = session.start_settings
    session.wrong_settings = wrong


async def follow(session: Session) -> None:
    """Register for changes of the settings, report wrong ones, and ask for their current values."""
    if session.client.registers_configuration:
        registration = types.Registration(
            id="evolverec-configuration",
            method=types.WORKSPACE_DID_CHANGE_CONFIGURATION,
            register_options=types.DidChangeConfigurationRegistrationOptions(section=SECTION),
        )
        params = types.RegistrationParams(registrations=[registration])
        session.server.client_register_capability(params)
    tell(session, session.wrong_settings)
    await ask_again(session)


async def did_change(session: Session, params: types.DidChangeConfigurationParams) -> None:
    """Handle workspace/didChangeConfiguration: ask the client for its settings, or take those it sent along."""
    if session.client.configures:
        session.spawn(ask_again(session))
    elif isinstance(params.settings, dict):
        take(session, params.settings.get(SECTION))


async def ask_again(session: Session) -> None:
    """Take the settings that the client has now. One question at a time: a client may take its time to answer."""
    session.asks_settings = True
    if not session.client.configures or session.asking_settings:
        return
    session.asking_settings = True
    try:
        while session.asks_settings:
            session.asks_settings = False
            take(session, await _ask(session))
    finally:
        session.asking_settings = False


async def _ask(session: Session) -> Any:
    """The client's settings for our section; None if the client does not answer."""
    item = types.ConfigurationItem(section=SECTION)
    try:
        found = await session.server.workspace_configuration_async(types.ConfigurationParams(items=[item]))
    except JsonRpcException:
        return None
    return found[0] if isinstance(found, list | tuple) and len(found) == 1 else None


def take(session: Session, given: Any) -> None:
    """Use the settings that the client gave, report wrong ones, and redraw inlay hints if they were switched."""
    before = session.settings
    session.settings, wrong = from_configuration(session.start_settings, given)
    tell(session, wrong)
    if session.settings.inlay_hints != before.inlay_hints and session.client.refreshes_hints:
        session.server.protocol.request_refresh(types.WORKSPACE_INLAY_HINT_REFRESH)


def tell(session: Session, wrong: list[str]) -> None:
    """Show each problem with the settings once per session."""
    for said in wrong:
        if said not in session.told and len(session.told) < MOST_TOLD:
            session.told.add(said)
            params = types.ShowMessageParams(type=types.MessageType.Warning, message=f"evolverec: {said}")
            session.server.window_show_message(params)
