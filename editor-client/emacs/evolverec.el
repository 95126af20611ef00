;;; evolverec.el --- Train, diagnose and improve recommenders -*- lexical-binding: t; -*-

;; Package-Requires: ((emacs "28.1") (eglot "1.9"))

;;; Commentary:

;; In your init file:
;;
;;   (load "/path/to/evolverec.el")
;;   (add-hook 'find-file-hook #'evolverec-maybe-start)
;;
;; Python files below an evolverec.toml, and that file itself, then get the server, through eglot: one for each repo.
;; Findings are Flymake diagnostics, measured patches are code actions (M-x eglot-code-actions), the mode line shows
;; what runs, the rest are the commands below.

;;; Code:

(require 'eglot)
(require 'map)
(require 'project)

(defgroup evolverec nil "Train, diagnose and improve recommenders." :group 'tools)

(defcustom evolverec-command '("evolverec" "lsp")
  "The program that serves, with its arguments."
  :type '(repeat string))

(defcustom evolverec-trusted nil
  "Non-nil consents to running the code of every repo; nil asks once for each."
  :type 'boolean)

(defclass evolverec-server (eglot-lsp-server) () :documentation "A running evolverec.")

(cl-defmethod eglot-initialization-options ((_server evolverec-server))
  (list :trusted (if evolverec-trusted t :json-false)))

(defun evolverec-root ()
  "The folder above this buffer's file that holds evolverec.toml, or nil."
  (locate-dominating-file default-directory "evolverec.toml"))

(defun evolverec--project (directory)
  "The repo around DIRECTORY as a project."
  (when-let ((root (locate-dominating-file directory "evolverec.toml")))
    (cons 'transient (expand-file-name root))))

(defun evolverec--find-project (directory)
  "The repo around DIRECTORY if eglot asks, whatever else a project is to you."
  (and (bound-and-true-p eglot-lsp-context) (evolverec--project directory)))

(defun evolverec--server ()
  "The server for the repo of this buffer, or nil."
  (cl-find-if (lambda (server) (and (evolverec-server-p server) (jsonrpc-running-p server)))
              (gethash (evolverec--project default-directory) eglot--servers-by-project)))

(defun evolverec-start ()
  "Have this buffer served, by a new server if none runs for its repo."
  (interactive)
  (unless (evolverec-root) (user-error "No evolverec.toml above %s" default-directory))
  (add-hook 'project-find-functions #'evolverec--find-project)
  (add-to-list 'mode-line-misc-info '(:eval (string-replace "%" "%%" (evolverec-progress))))
  (if (evolverec--server)
      (eglot--maybe-activate-editing-mode)
    (let* ((modes '(python-mode python-ts-mode conf-toml-mode toml-ts-mode toml-mode))
           (eglot-server-programs
            (list (cons (cl-adjoin major-mode modes) (cons 'evolverec-server evolverec-command)))))
      ;; What `eglot' takes has changed between versions; what its own guess returns always fits.
      (apply #'eglot (eglot--guess-contact)))))

(defun evolverec-maybe-start ()
  "Start the server for evolverec.toml, and for Python files below one."
  (when (and buffer-file-name (evolverec-root)
             (or (derived-mode-p 'python-mode 'python-ts-mode)
                 (equal (file-name-nondirectory buffer-file-name) "evolverec.toml")))
    (with-demoted-errors "evolverec: %S" (evolverec-start))))

(defvar evolverec--doing nil "Alist: token of what runs -> what was last said of it.")

(defun evolverec-progress ()
  "What the servers are doing, for the mode line; \"\" when nothing runs."
  (mapconcat (pcase-lambda (`(,_ . ,(map :server :title :percentage :message)))
               (if (jsonrpc-running-p server)
                   (format " [%s %d %% %s]" title (or percentage 0) (or message ""))
                 ""))
             evolverec--doing ""))

(cl-defmethod eglot-client-capabilities ((_server evolverec-server))
  (let ((known (cl-call-next-method))) ; eglot 1.9 shows no progress itself
    (plist-put known :window (plist-put (copy-sequence (plist-get known :window)) :workDoneProgress t))))

(cl-defmethod eglot-handle-notification ((server evolverec-server) (_method (eql $/progress)) &key token value)
  (let ((work (copy-sequence (alist-get token evolverec--doing (list :server server) nil #'equal))))
    (cl-loop for (name said) on value by #'cddr do (setq work (plist-put work name said)))
    (setf (alist-get token evolverec--doing nil t #'equal)
          (unless (equal (plist-get value :kind) "end") work))
    (force-mode-line-update t)
    (cl-call-next-method)))

(defun evolverec--send-changes (server)
  "Tell SERVER of every change now; eglot does only once Emacs is idle."
  (dolist (buffer (eglot--managed-buffers server))
    (when (buffer-live-p buffer)
      (with-current-buffer buffer (eglot--signal-textDocument/didChange)))))

(cl-defmethod eglot-handle-request
  ((server evolverec-server) (_method (eql workspace/applyEdit)) &key &allow-other-keys)
  ;; The server only edits what you told it to: no second question.  It looks at the text at once.
  (prog1 (let ((eglot-confirm-server-initiated-edits nil)) (cl-call-next-method))
    (evolverec--send-changes server)))

(defun evolverec--request (method arguments)
  "What jsonrpc needs to ask METHOD, a command if a string, with ARGUMENTS."
  (let* ((server (or (evolverec--server) (user-error "No evolverec runs here; open a file of a repo")))
         (repo (directory-file-name (expand-file-name (evolverec-root))))
         (given (cl-loop for (name value) on arguments by #'cddr when value append (list name value)))
         (argument (append (list :repo repo) given)))
    (evolverec--send-changes server)
    (if (keywordp method) (list server method argument)
      (list server :workspace/executeCommand
            (list :command (concat "evolverec." method) :arguments (vector argument))))))

(defun evolverec--ask (method &rest arguments)
  "The answer to METHOD, a command if a string, with ARGUMENTS, a plist."
  (condition-case failure
      (apply #'jsonrpc-request (append (evolverec--request method arguments) '(:timeout 60)))
    (jsonrpc-error (user-error "evolverec: %s" (alist-get 'jsonrpc-error-message (cddr failure))))))

(defun evolverec--start-job (command &rest arguments)
  "Start the job COMMAND with ARGUMENTS and say its id.
You may be asked something first, so nothing waits for the answer."
  (apply #'jsonrpc-async-request
         (append (evolverec--request command arguments)
                 (list :success-fn (lambda (job)
                                     (unless (eq (plist-get job :already_running) t) ; the server tells that
                                       (message "evolverec: started job %s" (plist-get job :job))))
                       :error-fn (lambda (problem) (message "evolverec: %s" (plist-get problem :message)))
                       :timeout nil))))

(defun evolverec--count (prefix) "PREFIX as a number, if given." (and prefix (prefix-numeric-value prefix)))

(defun evolverec-improve (&optional trials)
  "Train, diagnose, ask users and propose, at most TRIALS patches, the prefix argument."
  (interactive "P")
  (evolverec--start-job "improve" :trials (evolverec--count trials)))
(defun evolverec-train () "Train the recommender." (interactive) (evolverec--start-job "train"))
(defun evolverec-diagnose () "Measure why it fails." (interactive) (evolverec--start-job "diagnose"))
(defun evolverec-diagnose-checkpoint (file)
  "Measure the weights in FILE, without training."
  (interactive "fCheckpoint: ")
  (evolverec--start-job "diagnose" :checkpoint (expand-file-name file)))
(defun evolverec-ask-users (&optional users)
  "Ask simulated users, USERS of them if there is a prefix argument."
  (interactive "P")
  (evolverec--start-job "askUsers" :users (evolverec--count users)))
(defun evolverec-follow-user (user)
  "Hold whole sessions; the report then shows that of USER, an id as the log has it."
  (interactive "sUser: ")
  (evolverec--start-job "followUser" :user user))
(defun evolverec-propose (&optional trials)
  "Make patches and measure them, at most TRIALS, the prefix argument."
  (interactive "P")
  (evolverec--start-job "propose" :trials (evolverec--count trials)))
(defun evolverec-tune (&optional trials)
  "Try settings of the configuration, at most TRIALS, the prefix argument."
  (interactive "P")
  (evolverec--start-job "tune" :trials (evolverec--count trials)))
(defun evolverec-evolve (&optional trials)
  "Evolve the whole repo, training at most TRIALS, the prefix argument."
  (interactive "P")
  (evolverec--start-job "evolve" :trials (evolverec--count trials)))
(defun evolverec-cancel () "Stop the jobs of this repo." (interactive) (evolverec--ask "cancel"))
(defun evolverec-status () "Say what is known of this repo." (interactive) (evolverec--ask "status"))

(defun evolverec-report ()
  "Write the report as a page and open it in the browser."
  (interactive)
  (pcase-let (((map :page :shown) (evolverec--ask "report")))
    (unless (eq t shown) (browse-url-of-file page))
    (message "evolverec: the report is in %s" page)))

(defun evolverec--show (name text mode)
  "Show TEXT in the buffer NAME in MODE."
  (let ((root (evolverec-root)))
    (with-current-buffer (get-buffer-create name)
      (let ((inhibit-read-only t)) (erase-buffer) (insert text))
      (funcall mode)
      (setq default-directory root buffer-read-only t)
      (goto-char (point-min))
      (pop-to-buffer (current-buffer)))))

(defun evolverec--critique (critique)
  "CRITIQUE as lines: what users say, and of which code."
  (pcase-let (((map :positive :message :share :backing :quotes :places) critique))
    (concat (format "\n%s: %s\n  %s\n" (if (eq t positive) "praise" "complaint") message (plist-get share :text))
            (mapconcat (lambda (line) (format "  %s\n" line)) backing "")
            (mapconcat (pcase-lambda ((map :user :persona :text)) (format "  \"%s\" user %d, %s\n" text user persona))
                       quotes "")
            (mapconcat (pcase-lambda ((map :path :line)) (format "  %s:%d\n" path (1+ line))) places ""))))

(defun evolverec--group (group)
  "One kind of users, GROUP, as lines."
  (pcase-let (((map :kind :model :asked :fidelity :noVote :silent :because :critiques) group))
    (concat (if (equal kind "llm") (concat "Users played by the LLM " model) "Statistical users")
            (format ", %d asked. Fidelity: %s, how well they know their user's real choices\n" asked
                    (plist-get fidelity :text))
            (unless (string-empty-p noVote) (concat noVote ": what they say does not count\n"))
            (mapconcat (lambda (line) (concat line "\n")) silent "")
            (unless (string-empty-p because) (concat because "\n"))
            (mapconcat #'evolverec--critique critiques "")
            "\n")))

(defun evolverec-users ()
  "Show what simulated users say."
  (interactive)
  (let ((groups (plist-get (evolverec--ask :evolverec/users) :groups)))
    (when (seq-empty-p groups) (user-error "Nobody was asked of this version yet; M-x evolverec-ask-users asks"))
    (evolverec--show "*evolverec users*" (mapconcat #'evolverec--group groups "") #'text-mode)))

(defun evolverec--title (patch)
  "PATCH in a line: its name, its gain with the interval, what that is worth."
  (pcase-let (((map :title :byLlm :proposer :gain :verified :state) patch))
    (concat title (when (eq t byLlm) (format " (by %s)" proposer))
            ": " (or (plist-get gain :text) "not measured to the end")
            ", " (cond ((equal state "applied") "applied")
                       ((equal verified "no") "not verified")
                       (t (concat "verified " verified))))))

(defun evolverec--choose (prompt)
  "Ask with PROMPT for a measured patch; its id."
  (let ((menu (cl-loop for patch across (plist-get (evolverec--ask :evolverec/proposals) :proposals)
                       collect (cons (evolverec--title patch) (plist-get patch :id)))))
    (unless menu (user-error "No patch for this version yet; M-x evolverec-propose makes some"))
    (cdr (assoc (completing-read prompt menu nil t nil nil (caar menu)) menu))))

(defun evolverec-diff (patch)
  "Show the change of a measured PATCH."
  (interactive (list (evolverec--choose "Show patch: ")))
  (evolverec--show "*evolverec patch*" (plist-get (evolverec--ask "preview" :proposal patch) :diff) #'diff-mode))

(defun evolverec-apply (patch)
  "Apply a measured PATCH to the buffers; nothing is saved."
  (interactive (list (evolverec--choose "Apply patch: ")))
  (evolverec--ask "apply" :proposal patch)
  (message "evolverec: applied, not saved yet"))

(defun evolverec--changes (patch)
  "The changes of PATCH, each with its place in the text as it is now."
  (cl-loop for known across (plist-get (evolverec--ask :evolverec/proposals) :proposals)
           when (equal patch (plist-get known :id))
           append (cl-loop for file across (plist-get known :files)
                           append (cl-loop for hunk across (plist-get file :hunks) for index from 0
                                           collect (append (list :index index) file hunk)))))

(defun evolverec-take-changes (patch)
  "Take a measured PATCH change by change."
  (interactive (list (evolverec--choose "Take changes of patch: ")))
  (dotimes (order (length (evolverec--changes patch)))
    (pcase-let (((map :path :index :startLine :old :new :taken :unfit) (nth order (evolverec--changes patch))))
      (when (and (not (eq t taken)) (string-empty-p unfit))
        (save-window-excursion
          (evolverec--show "*evolverec change*"
                           (concat (replace-regexp-in-string "^\\(?:.\\|\n\\)" "-\\&" old)
                                   (replace-regexp-in-string "^\\(?:.\\|\n\\)" "+\\&" new))
                           #'diff-mode)
          (when (y-or-n-p (format "%s, line %d: take this change? " path (1+ startLine)))
            (message "%s" (plist-get (evolverec--ask "applyHunks" :proposal patch :path path :hunks (vector index))
                                     :message))))))))

(defun evolverec-explain (code)
  "Say what the finding CODE means, is and was here, and what usually helps."
  (interactive (list (completing-read "Explain: " (evolverec--codes) nil t)))
  (evolverec--show "*evolverec explain*" (plist-get (evolverec--ask "explain" :code code) :text) #'text-mode))

(defun evolverec--codes ()
  "The codes of the findings of this repo."
  (delete-dups
   (cl-loop for cause across (plist-get (evolverec--ask :evolverec/findings) :causes)
            append (cl-loop for finding across (plist-get cause :findings) collect (plist-get finding :code)))))

;; What is offered for several has `:choices', a property list of names and what each stands for.
(defun evolverec--chosen (given key)
  "The KEY of GIVEN, or of the one among its choices that the user picks."
  (let* ((choices (plist-get given :choices))
         (names (cl-loop for (name) on choices by #'cddr collect (substring (symbol-name name) 1))))
    (when names
      (let ((picked (completing-read (concat (plist-get given :question) " ") names nil t)))
        (setq given (plist-get choices (intern (concat ":" picked))))))
    (plist-get given key)))

(cl-defmethod eglot-execute-command ((_server evolverec-server) (_command (eql evolverec.preview)) arguments)
  (evolverec-diff (evolverec--chosen (elt arguments 0) :proposal)))
(cl-defmethod eglot-execute-command ((_server evolverec-server) (_command (eql evolverec.explain)) arguments)
  (evolverec-explain (evolverec--chosen (elt arguments 0) :code)))

(when (fboundp 'eglot-execute) ; newer versions call this instead
  (cl-defmethod eglot-execute ((_server evolverec-server) action)
    (let* ((inner (plist-get action :command)) (command (if (consp inner) inner action))
           (given (elt (plist-get command :arguments) 0)))
      (pcase (plist-get command :command)
        ("evolverec.preview" (evolverec-diff (evolverec--chosen given :proposal)))
        ("evolverec.explain" (evolverec-explain (evolverec--chosen given :code)))
        (_ (cl-call-next-method))))))

(provide 'evolverec)
;;; evolverec.el ends here
