"""A measured checkpoint is told apart from a training wherever its figures are shown."""

CHECKPOINT = {"checkpoint": {"file": "best.pt", "within": "model"}}


async def test_the_lens_the_hover_and_the_findings_name_the_checkpoint(connect, records, sample):
    records.trial(note=CHECKPOINT, best_epoch=0)
    records.feedback(records.finding())
    editor = await connect("emacs")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    titles = [lens.command.title for lens in await editor.lenses(uri)]
    assert titles[0].startswith("checkpoint best.pt, NDCG@10")
    hover = await editor.hover(uri, sample.entry)
    assert "of the checkpoint best.pt" in hover.contents.value
    told = await editor.ask("findings")
    assert any("checkpoint best.pt (its 'model')" in remark for remark in told["remarks"])
