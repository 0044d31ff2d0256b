/** Small dbt projects, made for one test. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export const settings = 'name: made\nversion: "1.0"\n';

/** @param files by their path; `dbt_project.yml` has a usual one */
export async function writeProject(dir: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, text] of Object.entries({ 'dbt_project.yml': settings, ...files })) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  return dir;
}
