-- The main flow as a user does it. nvim --headless --clean -n -i NONE -c 'luafile drive_nvim.lua'
-- REPO: a fresh one. CLIENT: evolverec.lua. PY, ENTRY: how to start the server. TRIALS: patches to train at most.
-- Prints what the user sees, one [fact, value] in JSON a line; main_flow.py judges them against the store.

local SOFTMAX = 'Full softmax loss'
local repo = os.getenv('REPO')
local source, config = repo .. '/recommender.py', repo .. '/evolverec.toml'
local client -- what `dofile` of the plugin returns
local told = {} -- messages, newest last
local answers = {} -- what the user picks next, by words of the question: taken in order

local function say(fact, value) io.stdout:write(vim.fn.json_encode { fact, value } .. '\n') end
local function wait(what, seconds, condition)
  local found = vim.wait(seconds * 1000, condition, 200)
  assert(found, 'timed out: ' .. what .. '\n' .. table.concat(told, '\n') .. '\n' .. client.progress())
end
local function edit(file)
  vim.cmd('edit ' .. vim.fn.fnameescape(file))
  return vim.api.nvim_get_current_buf()
end
local function text(buffer) return table.concat(vim.api.nvim_buf_get_lines(buffer or 0, 0, -1, false), '\n') .. '\n' end
local function on_disk(file) return table.concat(vim.fn.readfile(file), '\n') .. '\n' end
local function told_of(words)
  for place, message in ipairs(told) do
    if message:find(words, 1, true) then return table.remove(told, place) end
  end
end
local function await(what, look) -- what it returns once that is something
  local found
  wait(what, 60, function()
    found = look()
    return found
  end)
  return found
end
local function expect(words)
  return await(words, function() return told_of(words) end)
end
local function request(method, params)
  for _, reply in pairs(vim.lsp.buf_request_sync(0, method, params, 60000) or {}) do
    assert(not reply.error, vim.inspect(reply.error))
    return reply.result
  end
end
local function document() return vim.lsp.util.make_text_document_params(0) end
local function at(line, character) return { textDocument = document(), position = { line = line, character = character } } end
local function lenses()
  return vim.tbl_map(function(lens) return lens.command.title end, request('textDocument/codeLens', { textDocument = document() }) or {})
end
local function start(command)
  vim.cmd(command)
  expect('started job')
end
local function no_job_runs() return vim.tbl_contains(lenses(), 'Train') end
local function line_with(words)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    if line:find(words, 1, true) then return number end
  end
  error(words .. ' is not in ' .. text())
end
local function float()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then return window end
  end
end
local function hover(line, column)
  vim.api.nvim_win_set_cursor(0, { line, column })
  vim.lsp.buf.hover()
  local window = await('the hover', float)
  local found = text(vim.api.nvim_win_get_buf(window))
  vim.api.nvim_win_close(window, true)
  return found
end
local function take_window(filetype) -- the text of the window that a command opened, which is then closed
  wait('a window of ' .. filetype, 30, function() return vim.bo.filetype == filetype end)
  local found = text()
  vim.cmd('close')
  return found
end
local function faded(d) return d.severity == vim.diagnostic.severity.HINT end

-- The user answers what is asked. A question that no step expects ends the test.
local function choose(question, labels)
  local asked = question .. '\n' .. table.concat(labels, '\n')
  local expected = table.remove(answers, 1)
  assert(expected, 'nobody expected to be asked: ' .. asked)
  for place, label in ipairs(labels) do
    if label:find(expected, 1, true) then
      say('asked', question)
      say('picked', label)
      return place
    end
  end
  error(expected .. ' is not offered: ' .. asked)
end
vim.ui.select = function(items, options, on_choice)
  local format = options.format_item or tostring
  local place = choose(options.prompt or '', vim.tbl_map(format, items))
  on_choice(items[place], place)
end
vim.fn.inputlist = function(lines) -- with the question in front
  return choose(lines[1], vim.list_slice(lines, 3))
end
vim.notify = function(message) table.insert(told, message) end

local function set_epochs(epochs)
  edit(config)
  vim.cmd(('silent %%s/max_epochs = \\d\\+/max_epochs = %d/'):format(epochs))
  vim.cmd(('silent %%s/patience = \\d\\+/patience = %d/ | silent write'):format(epochs))
  edit(source)
end

local function help_in_the_config()
  edit(config)
  wait('the server', 30, function() return #(vim.lsp.get_clients or vim.lsp.get_active_clients)() > 0 end)
  say('config hover', hover(line_with('patience ='), 2))
  local last = vim.api.nvim_buf_line_count(0)
  vim.api.nvim_buf_set_lines(0, last, last, false, { 'eval' })
  local offered = request('textDocument/completion', at(last, 4))
  say('config completion', vim.tbl_map(function(item) return item.textEdit.newText end, offered.items))
  vim.cmd('silent undo')
  assert(not vim.bo.modified)
end

local function refuse_then_trust()
  answers = { 'Cancel' }
  vim.cmd('EvolverecTrain')
  say('refused', expect('was run'))
  say('store after the refusal', vim.fn.isdirectory(repo .. '/.evolverec'))
  answers = { 'Trust and run' }
  start('EvolverecTrain')
end

local function cancel()
  wait('progress', 60, function() return client.progress():find('epoch') ~= nil end)
  say('progress', client.progress())
  assert(vim.tbl_contains(lenses(), 'Cancel'))
  vim.cmd('EvolverecCancel')
  wait('the end of progress', 60, function() return client.progress() == '' and no_job_runs() end)
end

local function train()
  start('EvolverecTrain')
  wait('training', 120, function() return no_job_runs() and lenses()[1]:find('NDCG@10') ~= nil end)
  say('trained', lenses()[1])
end

local function diagnose()
  start('EvolverecDiagnose')
  local function of_the_loss(d) return (d.code or d.user_data.lsp.code) == 'overconfidence' end
  wait('findings', 120, function() return no_job_runs() and #vim.tbl_filter(of_the_loss, vim.diagnostic.get(0)) > 0 end)
  for _, d in ipairs(vim.diagnostic.get(0)) do
    assert(d.source == 'evolverec')
    say('diagnostic', { d.lnum + 1, d.message })
  end
  say('hover', hover(line_with('F.binary_cross_entropy_with_logits(positive'), 8))
end

local function ask_users()
  start('EvolverecAskUsers')
  wait('users', 120, function() return no_job_runs() and #request('evolverec/users', { repo = repo }).groups > 0 end)
  vim.cmd('EvolverecUsers')
  say('users', take_window('text'))
end

local function patches() return request('evolverec/proposals', { repo = repo }).proposals end

local function propose()
  start('EvolverecPropose ' .. os.getenv('TRIALS'))
  local function rewrites_the_loss(patch) return patch.title == SOFTMAX and patch.verified == 'gain' end
  local figures = {}
  wait('patches', 300, function()
    figures[lenses()[1]:match('^[^,]*')] = true
    return no_job_runs() and #vim.tbl_filter(rewrites_the_loss, patches()) > 0
  end)
  say('figures while proposing', vim.tbl_keys(figures))
  answers = { SOFTMAX .. ': ' }
  vim.cmd('EvolverecDiff')
  say('diff', take_window('diff'))
end

local function take_one_skip_another()
  local before = on_disk(source)
  answers = { SOFTMAX .. ': ', 'Take', 'Skip', 'Stop' }
  vim.cmd('EvolverecTakeChanges')
  say('taken', expect('this mix is unmeasured'))
  wait('the other questions', 30, function() return #answers == 0 end)
  say('text with one change', text())
  assert(vim.bo.modified and on_disk(source) == before, 'written to disk before the user saved')
end

-- By the menu of the line: the other way is Emacs's.
local function apply_and_save()
  vim.api.nvim_win_set_cursor(0, { line_with('F.binary_cross_entropy_with_logits(positive'), 0 })
  local before = text()
  answers = { SOFTMAX .. ': ' }
  vim.cmd('EvolverecFix')
  wait('the edit', 30, function() return text() ~= before end)
  vim.cmd('silent write')
  wait('fading', 30, function() return #vim.tbl_filter(faded, vim.diagnostic.get(0)) > 0 end)
  -- Noticed in the text after what fades was shown.
  local function applied(patch) return patch.title == SOFTMAX and patch.state == 'applied' end
  wait('the patch as applied', 30, function() return #vim.tbl_filter(applied, patches()) > 0 end)
  for _, d in ipairs(vim.diagnostic.get(0)) do say(faded(d) and 'faded' or 'still there', d.message) end
  say('lens', lenses()[1])
end

local function report()
  vim.cmd('EvolverecReport')
  say('report', expect('the report is in'))
end

local function main_flow()
  client = dofile(os.getenv('CLIENT'))
  client.setup { cmd = { os.getenv('PY'), os.getenv('ENTRY'), 'lsp' } }
  vim.cmd('filetype on')
  help_in_the_config()
  edit(source)
  wait('lenses', 30, function() return #lenses() > 0 end)
  say('before', lenses()[1])
  set_epochs(100000)
  refuse_then_trust()
  cancel()
  set_epochs(6)
  train()
  diagnose()
  ask_users()
  propose()
  take_one_skip_another()
  apply_and_save()
  report()
end

local ok, problem = xpcall(main_flow, debug.traceback)
if not ok then
  io.stderr:write(problem .. '\n')
  vim.cmd('cquit 1')
end
say('done', true)
vim.cmd('qall!')
