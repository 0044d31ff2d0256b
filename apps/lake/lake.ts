/** Entities pulled into the lake. */
import type { App } from 'tributary';
import { pulls } from './pulls.ts';

export const app = { pulls } satisfies App;
