;;; The main flow as a user does it.  emacs -Q --batch -l drive_emacs.el  -*- lexical-binding: t -*-
;; REPO: a fresh one.  CLIENT: evolverec.el.  PY, ENTRY: how to start the server.  TRIALS: patches to train at most.
;; Prints what the user sees, one [fact, value] in JSON a line; main_flow.py judges them against the store.
(require 'package)
(add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa") ; -Q skips Debian's folder of packages
(package-initialize)
(set-language-environment "UTF-8")
(setq eglot-sync-connect 30 create-lockfiles nil make-backup-files nil enable-local-variables nil save-silently t
      last-nonmenu-event t ; the menu of code actions is read from the minibuffer
      locale-coding-system 'utf-8)
(load (getenv "CLIENT"))
(setq evolverec-command (list (getenv "PY") (getenv "ENTRY") "lsp"))
(add-hook 'find-file-hook #'evolverec-maybe-start)

(defconst drive-softmax "Full softmax loss")
(defconst drive-loss "F.binary_cross_entropy_with_logits(positive")
(defvar drive-source (expand-file-name "recommender.py" (getenv "REPO")))
(defvar drive-config (expand-file-name "evolverec.toml" (getenv "REPO")))
(defvar drive-told nil "Messages, newest first.")
(defvar drive-answers nil "What the user answers next, in order.")
(defvar drive-figures nil "What was told of the model while a job ran.")
(defvar drive-browsed nil "What the browser was opened with.")

(defun drive-say (fact value)
  (princ (concat (decode-coding-string (json-serialize (vector fact value)) 'utf-8) "\n")))

(defun drive-wait (what seconds condition)
  "Wait for CONDITION to return something, and return it."
  (let ((end (+ (float-time) seconds)) found)
    (while (not (setq found (funcall condition)))
      (when (> (float-time) end)
        (error "Timed out: %s\n%s\n%s" what (string-join (seq-take drive-told 20) "\n") (evolverec-progress)))
      (accept-process-output nil 0.05))
    found))

(defun drive-expect (words)
  "Wait for a message with WORDS, which is then forgotten."
  (let ((told (drive-wait words 30 (lambda () (cl-find-if (lambda (said) (string-search words said)) drive-told)))))
    (setq drive-told (remove told drive-told))
    told))

(defun drive-start (job)
  (call-interactively job)
  (drive-expect "started job"))

;; The user answers what is asked.  A question that no step expects ends the test.
(defun drive-choose (question labels)
  (let* ((expected (or (pop drive-answers) (error "Nobody expected to be asked: %s" question)))
         (label (or (cl-find-if (lambda (label) (string-prefix-p expected label)) labels)
                    (error "%s is not offered: %s %S" expected question labels))))
    (drive-say "asked" question)
    (drive-say "picked" label)
    label))
(advice-add 'completing-read :override
            (lambda (question labels &rest _) (drive-choose question (all-completions "" labels))))
(advice-add 'y-or-n-p :override (lambda (question) (equal "y" (drive-choose question '("y" "n")))))
(advice-add 'message :before
            (lambda (&rest said)
              (when (car said) (push (substring-no-properties (apply #'format-message said)) drive-told))))
(setq browse-url-browser-function (lambda (url &rest _) (setq drive-browsed url)))

(defun drive-on-disk () (with-temp-buffer (insert-file-contents drive-source) (buffer-string)))

(defun drive-shown ()
  "Each diagnostic of the buffer as (line severity message)."
  (flymake-start) ; batch mode has no command loop to do it
  (mapcar (lambda (shown)
            (let ((sent (alist-get 'eglot-lsp-diag (flymake-diagnostic-data shown))))
              (list (line-number-at-pos (flymake-diagnostic-beg shown)) (plist-get sent :severity)
                    (plist-get sent :message) (plist-get sent :code))))
          (flymake-diagnostics)))
(defun drive-faded-p (shown) (equal 4 (nth 1 shown)))

(defun drive-go-to (words)
  (goto-char (point-min))
  (search-forward words)
  (goto-char (match-beginning 0)))

(defun drive-hover (words)
  "What is said here that has WORDS: Flymake speaks too."
  (let* (said (hear (lambda (text &rest _) (when (and text (string-search words text)) (setq said (substring-no-properties text))))))
    (run-hook-wrapped 'eldoc-documentation-functions (lambda (ask) (funcall ask hear) nil))
    (drive-wait "the hover" 30 (lambda () said))))

(defun drive-window ()
  "The text of the selected window, which is then left for the source."
  (prog1 (with-current-buffer (window-buffer) (buffer-substring-no-properties (point-min) (point-max)))
    (find-file drive-source)))

(defun drive-status () (aref (plist-get (evolverec-status) :repos) 0))
(defun drive-wait-for-job (seconds condition)
  (drive-wait (symbol-name condition) seconds
              (lambda ()
                (let ((status (drive-status)))
                  (cl-pushnew (car (split-string (plist-get status :summary) ",")) drive-figures :test #'equal)
                  (and (seq-empty-p (plist-get status :jobs)) (funcall condition))))))

(defun drive-set-epochs (epochs)
  (find-file drive-config)
  (dolist (key '("max_epochs" "patience"))
    (goto-char (point-min))
    (re-search-forward (concat "^" key " = \\([0-9]+\\)"))
    (replace-match (number-to-string epochs) t t nil 1))
  (save-buffer)
  (find-file drive-source))

(defun drive-help-in-the-config ()
  (find-file drive-config)
  (unless (eglot-managed-p) (error "Eglot does not manage evolverec.toml"))
  (drive-go-to "patience =")
  (drive-say "config hover" (drive-hover "training.patience"))
  (goto-char (point-max))
  (insert "eval")
  (completion-at-point)
  (drive-say "config completion" (vector (buffer-substring-no-properties (line-beginning-position) (point))))
  (delete-region (line-beginning-position) (point))
  (set-buffer-modified-p nil)
  (evolverec--send-changes (evolverec--server)))

(defun drive-refuse-then-trust ()
  (setq drive-answers '("Cancel"))
  (evolverec-train)
  (drive-say "refused" (drive-expect "was run"))
  (drive-say "store after the refusal" (if (file-exists-p (expand-file-name ".evolverec" (getenv "REPO"))) 1 0))
  (setq drive-answers '("Trust and run"))
  (drive-start #'evolverec-train))

(defun drive-cancel ()
  (drive-wait "progress" 60 (lambda () (string-search "epoch" (evolverec-progress))))
  (drive-say "progress" (evolverec-progress))
  (evolverec-cancel)
  (drive-wait "the end of progress" 60 (lambda () (string-empty-p (evolverec-progress))))
  (drive-wait-for-job 60 #'always))

(defun drive-trained () (string-search "NDCG@10" (plist-get (drive-status) :summary)))
(defun drive-train ()
  (drive-start #'evolverec-train)
  (drive-wait-for-job 120 #'drive-trained)
  (drive-say "trained" (plist-get (drive-status) :summary)))

(defun drive-loss-found () (cl-find "overconfidence" (drive-shown) :key (lambda (shown) (nth 3 shown)) :test #'equal))
(defun drive-diagnose ()
  (drive-start #'evolverec-diagnose)
  (drive-wait-for-job 120 #'drive-loss-found)
  (pcase-dolist (`(,line ,_ ,message ,_) (drive-shown)) (drive-say "diagnostic" (vector line message)))
  (drive-go-to drive-loss)
  (drive-say "hover" (drive-hover "Definition")))

(defun drive-asked () (not (seq-empty-p (plist-get (evolverec--ask :evolverec/users) :groups))))
(defun drive-ask-users ()
  (drive-start #'evolverec-ask-users)
  (drive-wait-for-job 120 #'drive-asked)
  (evolverec-users)
  (drive-say "users" (drive-window)))

(defun drive-proposed ()
  (cl-find-if (lambda (patch) (and (equal drive-softmax (plist-get patch :title)) (equal "gain" (plist-get patch :verified))))
              (plist-get (evolverec--ask :evolverec/proposals) :proposals)))
(defun drive-propose ()
  (let ((current-prefix-arg (string-to-number (getenv "TRIALS")))) (drive-start #'evolverec-propose))
  (setq drive-figures nil)
  (drive-wait-for-job 300 #'drive-proposed)
  (drive-say "figures while proposing" (vconcat drive-figures))
  ;; By the menu of the line.
  (drive-go-to drive-loss)
  (setq drive-answers (list (concat "Show diff: " drive-softmax)))
  (eglot-code-actions (point) nil nil t)
  (drive-say "diff" (drive-window)))

(defun drive-take-one-skip-another ()
  (let ((before (drive-on-disk)))
    (setq drive-answers (list drive-softmax "y" "n" "n"))
    (call-interactively #'evolverec-take-changes)
    (when drive-answers (error "Not asked for: %S" drive-answers))
    (find-file drive-source)
    (drive-say "taken" (drive-expect "this mix is unmeasured"))
    (drive-say "text with one change" (buffer-substring-no-properties (point-min) (point-max)))
    (unless (and (buffer-modified-p) (equal before (drive-on-disk))) (error "Written to disk before the user saved"))))

(defun drive-applied ()
  (cl-some (lambda (patch) (and (equal drive-softmax (plist-get patch :title)) (equal "applied" (plist-get patch :state))))
           (plist-get (evolverec--ask :evolverec/proposals) :proposals)))
(defun drive-faded () (cl-some #'drive-faded-p (drive-shown)))
(defun drive-apply-and-save ()
  (setq drive-answers (list drive-softmax))
  (call-interactively #'evolverec-apply)
  (save-buffer)
  (drive-wait-for-job 30 #'drive-faded)
  (drive-wait "the patch as applied" 30 #'drive-applied) ; noticed in the text after what fades was shown
  (dolist (shown (drive-shown)) (drive-say (if (drive-faded-p shown) "faded" "still there") (nth 2 shown)))
  (drive-say "lens" (plist-get (drive-status) :summary)))

(defun drive-report ()
  (evolverec-report)
  (drive-say "report" (drive-expect "the report is in"))
  (drive-say "browsed" drive-browsed))

(condition-case problem
    (progn
      (drive-help-in-the-config)
      (find-file drive-source)
      (unless (eglot-managed-p) (error "Eglot does not manage recommender.py"))
      (when (cdr (apply #'append (hash-table-values eglot--servers-by-project))) (error "More than one server runs"))
      (drive-say "before" (plist-get (drive-status) :summary))
      (drive-set-epochs 100000)
      (drive-refuse-then-trust)
      (drive-cancel)
      (drive-set-epochs 6)
      (drive-train)
      (drive-diagnose)
      (drive-ask-users)
      (drive-propose)
      (drive-take-one-skip-another)
      (drive-apply-and-save)
      (drive-report)
      (eglot-shutdown (evolverec--server))
      (drive-say "done" t)
      (kill-emacs 0))
  (error (princ (format "FAIL: %S\n" problem) #'external-debugging-output) (kill-emacs 1)))
