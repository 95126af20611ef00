-- The main job as a user does it. nvim --headless --clean -n -i NONE -c 'luafile drive_nvim.lua'
-- FILE: the file to open. PLUGIN: evolverec.lua. PY, ENTRY: how to start the server. TRIALS: patches to train at most.
-- Prints what the user sees, one fact a line, and "done" at the end.

local buffer
local function say(...) io.stdout:write(table.concat({ ... }, '\t') .. '\n') end
local function wait(what, seconds, condition)
  assert(vim.wait(seconds * 1000, condition, 100), 'timed out: ' .. what .. '\n' .. vim.fn.execute('messages'))
end
local function text() return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n') end
local function figure()
  local params = { textDocument = vim.lsp.util.make_text_document_params(buffer) }
  local replies = vim.lsp.buf_request_sync(buffer, 'textDocument/codeLens', params, 5000) or {}
  for _, reply in pairs(replies) do return reply.result and reply.result[1] and reply.result[1].command.title or '' end
  return ''
end
local function quickfixes(line)
  local place = { line = line, character = 0 }
  local params = {
    textDocument = vim.lsp.util.make_text_document_params(buffer),
    range = { start = place, ['end'] = place },
    context = { diagnostics = {}, only = { 'quickfix' } },
  }
  local found = {}
  for _, reply in pairs(vim.lsp.buf_request_sync(buffer, 'textDocument/codeAction', params, 5000) or {}) do
    for _, action in ipairs(reply.result or {}) do
      if action.kind == 'quickfix' then table.insert(found, action) end
    end
  end
  return found
end
local function rewrites_the_loss(title) return title:find('softmax') ~= nil end -- so that the finding on its line fades
local function measured() -- findings of the trial, as against static rules and faded ones
  return vim.tbl_filter(function(d) return d.severity ~= vim.diagnostic.severity.HINT end, vim.diagnostic.get(buffer))
end

local function main_job()
  dofile(os.getenv('PLUGIN')).setup { cmd = { os.getenv('PY'), os.getenv('ENTRY'), 'lsp' }, trusted = true }
  vim.cmd('filetype on')
  vim.cmd('edit ' .. vim.fn.fnameescape(os.getenv('FILE')))
  buffer = vim.api.nvim_get_current_buf()
  wait('the server', 30, function() return figure() ~= '' end)
  say('before', figure())
  vim.cmd('EvolverecTrain')
  wait('training', 240, function() return figure():find('NDCG@10') ~= nil end)
  say('trained', figure())
  vim.cmd('EvolverecDiagnose')
  wait('findings', 240, function() return #measured() > 0 end)
  for _, d in ipairs(vim.diagnostic.get(buffer)) do
    say('finding', tostring(d.code or (d.user_data and d.user_data.lsp and d.user_data.lsp.code)), d.lnum + 1, d.source)
  end
  vim.cmd('EvolverecPropose ' .. os.getenv('TRIALS'))
  local line
  wait('a verified patch', 800, function()
    for _, d in ipairs(measured()) do
      for _, fix in ipairs(quickfixes(d.lnum)) do
        if rewrites_the_loss(fix.title) then line = d.lnum end
      end
    end
    return line ~= nil
  end)
  vim.api.nvim_win_set_cursor(0, { line + 1, 0 })
  local chosen
  vim.ui.select = function(items, options, on_choice) -- the user takes the best of those that change the loss
    for place, item in ipairs(items) do
      if not chosen and rewrites_the_loss(options.format_item(item)) then
        chosen = options.format_item(item)
        on_choice(item, place)
      end
    end
  end
  local before = text()
  vim.cmd('EvolverecFix')
  wait('the edit', 30, function() return text() ~= before end)
  say('took', chosen)
  wait('the finding to fade', 30, function()
    for _, d in ipairs(vim.diagnostic.get(buffer)) do
      if d.severity == vim.diagnostic.severity.HINT and d.message:find('measured on an earlier version') then return true end
    end
    return false
  end)
  say('lens', figure())
  vim.cmd('silent write')
end

local ok, problem = xpcall(main_job, debug.traceback)
if not ok then
  io.stderr:write(problem .. '\n')
  vim.cmd('cquit 1')
end
say('done')
vim.cmd('qall!')
