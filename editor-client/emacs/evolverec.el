;;; evolverec.el --- Train, diagnose and improve recommenders -*- lexical-binding: t; -*-

;; Package-Requires: ((emacs "28.1") (eglot "1.9"))

;;; Commentary:

;; In your init file:
;;
;;   (load "/path/to/evolverec.el")
;;   (add-hook 'python-mode-hook #'evolverec-maybe-start)
;;
;; A Python file below an evolverec.toml then gets the server, through eglot.  Findings are Flymake diagnostics,
;; measured patches are code actions (M-x eglot-code-actions), the rest are the commands below.

;;; Code:

(require 'eglot)
(require 'project)

(defgroup evolverec nil "Train, diagnose and improve recommenders." :group 'tools)

(defcustom evolverec-command '("evolverec" "lsp")
  "The program that serves, with its arguments."
  :type '(repeat string))

(defcustom evolverec-trusted nil
  "Non-nil consents to running the code of every repo you open; nil asks once for each."
  :type 'boolean)

(defclass evolverec-server (eglot-lsp-server) () :documentation "A running evolverec.")

(cl-defmethod eglot-initialization-options ((_server evolverec-server))
  (list :trusted (if evolverec-trusted t :json-false)))

(defun evolverec-root ()
  "The folder above this buffer's file that holds evolverec.toml, or nil."
  (locate-dominating-file default-directory "evolverec.toml"))

(defun evolverec--project (directory)
  "The repo around DIRECTORY as a project, so that eglot takes its root as the workspace."
  (when-let ((root (locate-dominating-file directory "evolverec.toml")))
    (cons 'transient (expand-file-name root))))

(defun evolverec-start ()
  "Start the server for the repo of this buffer."
  (interactive)
  (unless (evolverec-root) (user-error "No evolverec.toml above %s" default-directory))
  (let ((project-find-functions (cons #'evolverec--project project-find-functions))
        (eglot-server-programs (list (cons major-mode (cons 'evolverec-server evolverec-command)))))
    ;; What `eglot' takes has changed between versions; what its own guess returns always fits.
    (apply #'eglot (eglot--guess-contact))))

(defun evolverec-maybe-start ()
  "Start the server where there is an evolverec.toml above this file."
  (when (and buffer-file-name (evolverec-root)) (evolverec-start)))

(defun evolverec--run (command &rest arguments)
  "Have the server run COMMAND on this buffer's repo with ARGUMENTS, a plist."
  (jsonrpc-request
   (eglot--current-server-or-lose) :workspace/executeCommand
   (list :command (concat "evolverec." command)
         :arguments (vector (append (list :repo (directory-file-name (expand-file-name (evolverec-root))))
                                    arguments)))
   :timeout 60))

(defun evolverec--start-job (command)
  "Start the job COMMAND and say its id."
  (message "evolverec: job %s" (plist-get (evolverec--run command) :job)))

(defun evolverec-train () "Train the recommender." (interactive) (evolverec--start-job "train"))
(defun evolverec-diagnose () "Measure why it fails." (interactive) (evolverec--start-job "diagnose"))
(defun evolverec-ask-users () "Ask simulated users." (interactive) (evolverec--start-job "askUsers"))
(defun evolverec-propose () "Make patches and measure them." (interactive) (evolverec--start-job "propose"))
(defun evolverec-evolve () "Evolve the whole repo." (interactive) (evolverec--start-job "evolve"))
(defun evolverec-cancel () "Stop the jobs of this repo." (interactive) (evolverec--run "cancel"))
(defun evolverec-status () "Say what is known of this repo." (interactive) (evolverec--run "status"))

(cl-defmethod eglot-execute-command ((_server evolverec-server) (command (eql evolverec.preview)) arguments)
  "Show the patch that ARGUMENTS name as a diff; COMMAND is the server's."
  (let ((shown (apply #'evolverec--run (substring (symbol-name command) (length "evolverec."))
                      (append (aref (vconcat arguments) 0) nil))))
    (with-current-buffer (get-buffer-create "*evolverec patch*")
      (let ((inhibit-read-only t)) (erase-buffer) (insert (plist-get shown :diff)))
      (diff-mode)
      (view-mode 1)
      (pop-to-buffer (current-buffer)))))

(provide 'evolverec)
;;; evolverec.el ends here
