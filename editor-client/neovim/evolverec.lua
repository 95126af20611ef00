-- evolverec in Neovim, 0.7 and later, with or without a plugin manager. In init.lua:
--
--   dofile('/path/to/evolverec.lua').setup()
--
-- setup{ cmd = {'evolverec', 'lsp'}, trusted = false } starts one server for each repo with an evolverec.toml,
-- as its first file is opened. trusted = true consents to running the code of every repo you open; without it
-- you are asked once for each repo. The commands are listed at the end of this file.

local M = {}

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

-- Shows a patch in a window of its own: nothing is written to the user's buffer.
local function show_diff(preview)
  vim.cmd('botright new')
  local buffer = vim.api.nvim_get_current_buf()
  vim.bo[buffer].buftype, vim.bo[buffer].bufhidden, vim.bo[buffer].swapfile = 'nofile', 'wipe', false
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(preview.diff, '\n'))
  vim.bo[buffer].filetype, vim.bo[buffer].modifiable = 'diff', false
end

-- Runs a command of the server for the repo of the current buffer; `after` gets its result.
local function run(name, argument, after)
  local root = root_of(vim.api.nvim_buf_get_name(0))
  local client = client_for(root) or client_for()
  if not client then return notify('no server runs here; open a file of a repo with an evolverec.toml', vim.log.levels.ERROR) end
  local params = {
    command = 'evolverec.' .. name,
    arguments = { vim.tbl_extend('force', { repo = client.config.root_dir }, argument or {}) },
  }
  local function answered(problem, result)
    if problem then return notify(problem.message, vim.log.levels.ERROR) end
    if after then vim.schedule(function() after(result) end) end
  end
  if vim.fn.has('nvim-0.11') == 1 then
    client:request('workspace/executeCommand', params, answered)
  else
    client.request('workspace/executeCommand', params, answered)
  end
end

-- What the servers are doing, for a status line: "" when nothing runs.
function M.progress()
  if vim.lsp.status then return vim.lsp.status() end
  local shown = {}
  for _, message in ipairs(vim.lsp.util.get_progress_messages()) do
    if message.progress and not message.done then
      table.insert(shown, ('%s %d%% %s'):format(message.title or '', message.percentage or 0, message.message or ''))
    end
  end
  return table.concat(shown, ' | ')
end

local function refresh_lenses(buffer)
  if not vim.api.nvim_buf_is_loaded(buffer) then return end
  if vim.fn.has('nvim-0.12') == 1 then return vim.lsp.codelens.enable(true, { bufnr = buffer }) end
  vim.api.nvim_buf_call(buffer, function() vim.lsp.codelens.refresh() end)
end

local function on_attach(_, buffer)
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
  local running = client_for(root)
  local id = running and running.id or vim.lsp.start_client(config)
  if id then vim.lsp.buf_attach_client(buffer, id) end
end

-- The patch that the measurements put first, among those offered at the cursor.
local function fix() vim.lsp.buf.code_action() end

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
  -- A preview asked for from the code action menu: the server answers with the diff.
  vim.lsp.commands['evolverec.preview'] = function(command) run('preview', command.arguments[1], show_diff) end

  local function started(result)
    notify(result.already_running and 'runs already as job ' .. result.job or 'started job ' .. result.job)
  end
  local function command(name, body, description)
    vim.api.nvim_create_user_command('Evolverec' .. name, body, { desc = description })
  end
  command('Train', function() run('train', nil, started) end, 'Train the recommender')
  command('Diagnose', function() run('diagnose', nil, started) end, 'Measure why it fails')
  command('AskUsers', function() run('askUsers', nil, started) end, 'Ask simulated users')
  local function counted(name, verb, description)
    vim.api.nvim_create_user_command('Evolverec' .. name, function(given)
      run(verb, given.args ~= '' and { trials = tonumber(given.args) } or nil, started)
    end, { nargs = '?', desc = description })
  end
  counted('Propose', 'propose', 'Make patches and measure them, so many at most')
  counted('Evolve', 'evolve', 'Evolve the whole repo, training so many candidates at most')
  command('Cancel', function() run('cancel') end, 'Stop the jobs of this repo')
  command('Fix', fix, 'Choose a measured patch for the line under the cursor')
  command('Status', function() run('status') end, 'Say what is known of this repo')
end

return M
