/** Whether a program lies in a folder. Knows nothing of the editor. */

import * as path from 'node:path';

/** names: a program's path, and where its links lead. */
export function liesInside(names: readonly string[], folders: readonly string[]): boolean {
  return names.some((name) =>
    folders.some((folder) => {
      const way = path.relative(folder, name);
      return way !== '' && way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way);
    }),
  );
}
