;;; A repo that was diagnosed already, opened in Emacs.  emacs -Q --batch -l drive_emacs.el
;; FILE: the file to open.  CLIENT: evolverec.el.  PY, ENTRY: how to start the server.  Prints one fact a line.
(require 'package)
(add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa") ; -Q skips Debian's folder of packages
(package-initialize)
(setq eglot-sync-connect 30 eglot-autoshutdown nil eglot-send-changes-idle-time 0.05 create-lockfiles nil
      make-backup-files nil enable-local-variables nil)
(load (getenv "CLIENT"))
(setq evolverec-command (list (getenv "PY") (getenv "ENTRY") "lsp"))

(defun drive-wait (what seconds condition)
  (let ((end (+ (float-time) seconds)))
    (while (and (not (funcall condition)) (< (float-time) end)) (accept-process-output nil 0.05))
    (unless (funcall condition) (error "timed out: %s" what))))
(defun drive-say (&rest parts) (princ (concat (mapconcat (lambda (part) (format "%s" part)) parts "\t") "\n")))
(defun drive-shown ()
  (flymake-start) ; batch mode has no command loop to do it
  (flymake-diagnostics))

(condition-case problem
    (progn
      (find-file (getenv "FILE"))
      (python-mode)
      (evolverec-start)
      (unless (eglot-managed-p) (error "eglot does not manage this buffer"))
      (flymake-mode 1)
      (drive-wait "diagnostics" 30 #'drive-shown)
      (dolist (shown (drive-shown))
        (drive-say "finding" (line-number-at-pos (flymake-diagnostic-beg shown)) (flymake-diagnostic-text shown)))
      (goto-char (flymake-diagnostic-beg (car (drive-shown))))
      (dolist (action (append (eglot-code-actions (point) nil nil nil) nil))
        (drive-say "action" (plist-get action :title)))
      (let ((status (evolverec-status)))
        (drive-say "status" (plist-get (aref (plist-get status :repos) 0) :summary)))
      (eglot-shutdown (eglot--current-server-or-lose))
      (drive-say "done")
      (kill-emacs 0))
  (error (message "FAIL: %S" problem) (kill-emacs 1)))
