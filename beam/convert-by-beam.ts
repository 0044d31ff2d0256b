/**
 * Takes records through their steps by Apache Beam: each page that the processor has read is a pipeline of its own, which has ended before
 * the next is read. What becomes of the outputs, and when the checkpoint is committed, is the processor's as ever.
 */
import type { Reject } from '../src/event/reject.ts';
import type { Convert, ConversionSteps } from '../src/processing/convert.ts';
import { runPipeline } from './micro-batch.ts';

/** A `Converter`. */
export function convertByBeam(steps: ConversionSteps): Convert<object> {
  return async (records) => {
    const outputs: (object | Reject | undefined)[] = records.map(() => undefined);
    if (records.length > 0) await runPipeline({ records, codecs: await steps.codecsOf(records), steps, outputs });
    return outputs.map(present);
  };
}

function present(output: object | Reject | undefined, index: number): object | Reject {
  if (output === undefined) throw new Error(`Beam has put out nothing for record ${index} of a page`);
  return output;
}
