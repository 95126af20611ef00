"""The parts of the kit, each one idea; `kit_text` joins them into the one file that is copied beside an adapter."""
