-- evolverec in Neovim, 0.7 and later, with or without a plugin manager. In init.lua:
--
--   dofile('/path/to/evolverec.lua').setup()
--
-- setup{ cmd = {'evolverec', 'lsp'}, trusted = false } starts one server for each repo with an evolverec.toml,
-- as its first file is opened. trusted = true consents to running the code of every repo you open; without it
-- you are asked once for each repo. The commands are listed at the end of this file.

local M = {}
local doing = {} -- client and progress token -> what was last said of it
local started = {} -- root of a repo -> id of its client

local function client_for(root)
  local clients = (vim.lsp.get_clients or vim.lsp.get_active_clients)()
  for _, client in ipairs(clients) do
    if client.name == 'evolverec' and (root == nil or client.config.root_dir == root) then return client end
  end
end

local function root_of(file)
  local config = vim.fn.findfile('evolverec.toml', vim.fn.fnamemodify(file, ':p:h') .. ';')
  return config ~= '' and vim.fn.fnamemodify(config, ':p:h') or nil
end

local function notify(message, level)
  vim.schedule(function() vim.notify('evolverec: ' .. message, level or vim.log.levels.INFO) end)
end

-- Text in a window of its own: nothing is written to the user's buffers.
local function show(text, filetype)
  vim.cmd('botright new')
  local buffer = vim.api.nvim_get_current_buf()
  vim.bo[buffer].buftype, vim.bo[buffer].bufhidden, vim.bo[buffer].swapfile = 'nofile', 'wipe', false
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(text, '\n'))
  vim.bo[buffer].filetype, vim.bo[buffer].modifiable = filetype, false
  return vim.api.nvim_get_current_win()
end

-- Sends evolverec.NAME (a command) or evolverec/NAME (a question) for argument.repo, else the repo of the current
-- buffer; `after` gets the answer and the repo.
local function ask(name, argument, after)
  argument = argument or {}
  local client = client_for(argument.repo or root_of(vim.api.nvim_buf_get_name(0))) or client_for()
  if not client then return notify('no server runs here; open a file of a repo with an evolverec.toml', vim.log.levels.ERROR) end
  local repo = argument.repo or client.config.root_dir
  local method, params = name, vim.tbl_extend('force', argument, { repo = repo })
  if vim.startswith(name, 'evolverec.') then
    method, params = 'workspace/executeCommand', { command = name, arguments = { params } }
  end
  local function answered(problem, result)
    if problem then return notify(problem.message, vim.log.levels.ERROR) end
    if after then vim.schedule(function() after(result, repo) end) end
  end
  if vim.fn.has('nvim-0.11') == 1 then
    client:request(method, params, answered)
  else
    client.request(method, params, answered)
  end
end

-- What the servers are doing, for a status line: "" when nothing runs.
function M.progress()
  local shown = {}
  for _, work in pairs(doing) do
    if vim.lsp.get_client_by_id(work.client) then
      table.insert(shown, ('%s %d%% %s'):format(work.title or '', work.percentage or 0, work.message or ''))
    end
  end
  return table.concat(shown, ' | ')
end

local function on_progress(problem, result, context, config)
  local key, value = context.client_id .. ' ' .. result.token, result.value
  if value.kind == 'end' then
    doing[key] = nil
  else
    doing[key] = vim.tbl_extend('force', doing[key] or { client = context.client_id }, value)
  end
  return vim.lsp.handlers['$/progress'](problem, result, context, config)
end

local function show_users(answer)
  local lines = {}
  local function add(...) table.insert(lines, string.format(...)) end
  for _, group in ipairs(answer.groups) do
    local who = group.kind == 'llm' and 'Users played by the LLM ' .. group.model or 'Statistical users'
    add('%s, %d asked. Fidelity: %s, how well they know their user\'s real choices', who, group.asked, group.fidelity.text)
    if group.noVote ~= '' then add('%s: what they say does not count', group.noVote) end
    for _, line in ipairs(group.silent or {}) do add('%s', line) end
    if group.because ~= '' then add('%s', group.because) end
    for _, critique in ipairs(group.critiques) do
      add('')
      add('%s: %s', critique.positive and 'praise' or 'complaint', critique.message)
      add('  %s', critique.share.text)
      for _, line in ipairs(critique.backing or {}) do add('  %s', line) end
      for _, quote in ipairs(critique.quotes) do add('  "%s" user %d, %s', quote.text, quote.user, quote.persona) end
      for _, place in ipairs(critique.places) do add('  %s:%d', place.path, place.line + 1) end
    end
    add('')
  end
  if #lines == 0 then return notify('nobody was asked about this version yet; :EvolverecAskUsers asks') end
  show(table.concat(lines, '\n'), 'text')
end

-- "Full softmax loss: objective .121 → .151 (+25 %, 95 % [+9, +41] %), verified gain"
local function title_of(patch)
  local name = patch.byLlm and ('%s (by %s)'):format(patch.title, patch.proposer) or patch.title
  local gain = type(patch.gain) == 'table' and patch.gain.text or 'not measured to the end'
  local verdict = patch.verified == 'no' and 'not verified' or 'verified ' .. patch.verified
  return ('%s: %s, %s'):format(name, gain, patch.state == 'applied' and 'applied' or verdict)
end

local function choose_patch(prompt, after)
  ask('evolverec/proposals', nil, function(answer, repo)
    if #answer.proposals == 0 then return notify('there is no patch for this version yet; :EvolverecPropose makes some') end
    vim.ui.select(answer.proposals, { prompt = prompt, format_item = title_of }, function(patch)
      if patch then after(patch, repo) end
    end)
  end)
end

local function apply(patch, repo)
  local function applied() notify('applied ' .. patch.title .. '; not saved yet') end
  ask('evolverec.apply', { repo = repo, proposal = patch.id }, applied)
end

local function signed(sign, text)
  return text == '' and '' or (sign .. text:gsub('\n$', ''):gsub('\n', '\n' .. sign) .. '\n')
end

-- The first change that can be taken, after so many that were decided. Its lines are those of the text as it is now.
local function next_change(proposals, id, decided)
  local order = 0
  for _, patch in ipairs(proposals) do
    for _, file in ipairs(patch.id == id and patch.files or {}) do
      for index, hunk in ipairs(file.hunks) do
        order = order + 1
        if order > decided and not hunk.taken and hunk.unfit == '' then return hunk, file.path, index - 1, order end
      end
    end
  end
end

-- One change of a patch after another, each taken or left.
local function take_changes(patch, repo, decided)
  ask('evolverec/proposals', { repo = repo }, function(answer)
    local hunk, path, index, order = next_change(answer.proposals, patch.id, decided or 0)
    if not hunk then return notify('no further change of this patch can be taken') end
    local shown = show(signed('-', hunk.old) .. signed('+', hunk.new), 'diff')
    vim.cmd('wincmd p | redraw')
    local prompt = ('%s, line %d: take this change?'):format(path, hunk.startLine + 1)
    vim.ui.select({ 'Take', 'Skip', 'Stop' }, { prompt = prompt }, function(decision)
      if vim.api.nvim_win_is_valid(shown) then vim.api.nvim_win_close(shown, true) end
      if decision == 'Skip' then return take_changes(patch, repo, order) end
      if decision ~= 'Take' then return end
      local chosen = { repo = repo, proposal = patch.id, path = path, hunks = { index } }
      ask('evolverec.applyHunks', chosen, function(done)
        notify(done.message)
        take_changes(patch, repo, order)
      end)
    end)
  end)
end

local function refresh_lenses(buffer)
  if not vim.api.nvim_buf_is_loaded(buffer) then return end
  if vim.fn.has('nvim-0.12') == 1 then return vim.lsp.codelens.enable(true, { bufnr = buffer }) end
  vim.api.nvim_buf_call(buffer, function() vim.lsp.codelens.refresh() end)
end

local function on_attach(_, buffer)
  if vim.bo[buffer].omnifunc == '' then vim.bo[buffer].omnifunc = 'v:lua.vim.lsp.omnifunc' end
  refresh_lenses(buffer)
  vim.api.nvim_create_autocmd({ 'BufEnter', 'InsertLeave', 'BufWritePost' }, {
    buffer = buffer,
    callback = function() refresh_lenses(buffer) end,
  })
end

local function start(buffer, options)
  local file = vim.api.nvim_buf_get_name(buffer)
  local root = file ~= '' and root_of(file)
  if not root then return end
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  capabilities.workspace.codeLens = { refreshSupport = true }
  local config = {
    name = 'evolverec',
    cmd = options.cmd,
    root_dir = root,
    workspace_folders = { { uri = vim.uri_from_fname(root), name = vim.fn.fnamemodify(root, ':t') } },
    init_options = { trusted = options.trusted },
    capabilities = capabilities,
    on_attach = on_attach,
    handlers = {
      ['$/progress'] = on_progress,
      ['workspace/codeLens/refresh'] = function(_, _, context)
        for _, attached in ipairs(vim.lsp.get_buffers_by_client_id(context.client_id)) do refresh_lenses(attached) end
        return vim.NIL
      end,
    },
  }
  if vim.lsp.start then
    vim.lsp.start(config, { bufnr = buffer })
    return
  end
  local known = started[root] -- Neovim 0.7 lists a client only once its server has answered
  local id = known and vim.lsp.get_client_by_id(known) and known or vim.lsp.start_client(config)
  started[root] = id
  if id then vim.lsp.buf_attach_client(buffer, id) end
end

function M.setup(options)
  options = vim.tbl_extend('force', { cmd = { 'evolverec', 'lsp' }, trusted = false }, options or {})
  local group = vim.api.nvim_create_augroup('evolverec', { clear = true })
  vim.api.nvim_create_autocmd('FileType', {
    group = group,
    pattern = { 'python', 'toml' },
    callback = function(event) start(event.buf, options) end,
  })
  vim.api.nvim_create_autocmd({ 'BufRead', 'BufNewFile' }, { -- Neovim before 0.8 knows no toml
    group = group,
    pattern = 'evolverec.toml',
    callback = function(event) start(event.buf, options) end,
  })
  local function diff(argument) ask('evolverec.preview', argument, function(answer) show(answer.diff, 'diff') end) end
  -- A preview asked for from the code action menu: the server answers with the diff.
  vim.lsp.commands['evolverec.preview'] = function(command) diff(command.arguments[1]) end

  local function explain(argument) ask('evolverec.explain', argument, function(answer) show(answer.text, 'markdown') end) end
  vim.lsp.commands['evolverec.explain'] = function(command) explain(command.arguments[1]) end

  local function command(name, description, body, nargs, complete)
    local about = { desc = description, nargs = nargs or 0, complete = complete }
    vim.api.nvim_create_user_command('Evolverec' .. name, body, about)
  end
  local function said_job(result)
    if not result.already_running then notify('started job ' .. result.job) end -- of one that runs already the server tells
  end
  local function job(name, description, count) -- count: what the number after the command means
    local verb = name:sub(1, 1):lower() .. name:sub(2)
    command(name, description, function(given)
      ask('evolverec.' .. verb, count and { [count] = tonumber(given.args) }, said_job)
    end, count and '?')
  end
  job('Improve', 'Train, diagnose, ask users and propose, so many patches at most', 'trials')
  job('Train', 'Train the recommender')
  job('Diagnose', 'Measure why it fails')
  command('DiagnoseCheckpoint', 'Measure the weights in a file, without training', function(given)
    ask('evolverec.diagnose', { checkpoint = vim.fn.fnamemodify(given.args, ':p') }, said_job)
  end, 1, 'file')
  job('AskUsers', 'Ask simulated users, so many', 'users')
  job('Propose', 'Make patches and measure them, so many at most', 'trials')
  job('Tune', 'Tune the numbers of the configuration, training so many settings at most', 'trials')
  job('Evolve', 'Evolve the whole repo, training so many candidates at most', 'trials')
  command('Cancel', 'Stop the jobs of this repo', function() ask('evolverec.cancel') end)
  command('Status', 'Say what is known of this repo', function() ask('evolverec.status') end)
  command('Users', 'Show what simulated users say', function() ask('evolverec/users', nil, show_users) end)
  command('Explain', 'Say what a finding of the line under the cursor means', function()
    local codes = {}
    for _, one in ipairs(vim.diagnostic.get(0, { lnum = vim.fn.line('.') - 1 })) do
      local code = one.code or vim.tbl_get(one, 'user_data', 'lsp', 'code') -- the second: Neovim 0.7
      if one.source == 'evolverec' and code then table.insert(codes, tostring(code)) end
    end
    if #codes == 0 then return notify('no finding stands on this line') end
    if #codes == 1 then return explain { code = codes[1] } end
    vim.ui.select(codes, { prompt = 'Explain' }, function(code) if code then explain { code = code } end end)
  end)
  command('Fix', 'Choose a measured patch for the line under the cursor', function() vim.lsp.buf.code_action() end)
  command('Diff', 'Show a measured patch', function()
    choose_patch('Show', function(patch, repo) diff { repo = repo, proposal = patch.id } end)
  end)
  command('TakeChanges', 'Take a measured patch change by change', function() choose_patch('Take changes of', take_changes) end)
  command('Apply', 'Apply a measured patch', function() choose_patch('Apply', apply) end)
  command('Report', 'Write the report as a page', function()
    ask('evolverec.report', nil, function(answer) notify('the report is in ' .. answer.page) end)
  end)
end

return M
