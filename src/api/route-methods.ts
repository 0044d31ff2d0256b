/** Which methods each path of the server takes: a path that is asked for with another one is there, and answers 405. */
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyInstance {
    /** In the order of the alphabet; none where the path is no route's. */
    methodsAt(path: string): readonly string[];
  }
}

interface Route {
  readonly steps: readonly string[];
  readonly methods: readonly string[];
}

/** Before the first route is added. */
export function noteMethods(app: FastifyInstance): void {
  const routes: Route[] = [];
  app.addHook('onRoute', ({ url, method }) => void routes.push({ steps: url.split('/'), methods: [method].flat() }));
  app.decorate('methodsAt', (path: string) => {
    const steps = path.split('/');
    const methods = routes.filter((route) => fits(route.steps, steps)).flatMap((route) => route.methods);
    return [...new Set(methods)].toSorted();
  });
}

/** A parameter may be empty, as for the router. */
function fits(route: readonly string[], asked: readonly string[]): boolean {
  return route.length === asked.length && route.every((step, i) => step === asked[i] || step.startsWith(':'));
}
