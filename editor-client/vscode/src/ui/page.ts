/** A page for a webview in which nothing runs and nothing is fetched. Pure. */

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'";

/** A webview asks the system, not the editor, whether it is dark. So what the page says for dark holds always or never. */
export function themed(html: string, dark: boolean): string {
  return html
    .replace(/@media\s*\(\s*prefers-color-scheme:\s*dark\s*\)/g, dark ? '@media screen' : '@media not all')
    .replace(/(color-scheme:\s*)light dark/g, dark ? '$1dark' : '$1light');
}

/** The page with our policy before all else, so that it holds for everything after. */
export function guarded(html: string): string {
  const meta = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`;
  const head = /<head[^>]*>/i.exec(html);
  return head ? html.slice(0, head.index + head[0].length) + meta + html.slice(head.index + head[0].length) : meta + html;
}

export function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
