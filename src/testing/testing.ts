/** `tributary/testing`: what tests of pipelines are built from. Nothing of it is loaded by the program. */
export {
  startPipeline,
  type Answered,
  type AnsweredRequest,
  type LandedWait,
  type PipelineRun,
  type RunOptions,
  type SendOptions,
} from './pipeline-run.ts';
export type { FilesToPut, PutFile } from './put-files.ts';
export type { InjectedFault } from './faults.ts';
export type { FoundLetter, FoundObject, FoundRow } from './found.ts';
