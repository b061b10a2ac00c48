/** The cluster that these tests break things on. */
import { beforeEach, describe } from 'vitest';

/** The name of a kind cluster that `jwt-e2e up` made, and that nobody else uses meanwhile. */
const name = process.env.JWT_E2E_TEST_CLUSTER ?? '';

/** Whether there is a cluster, for what is prepared before tests. */
export const haveCluster = name !== '';

/** `describe` for what needs the cluster; without one its tests are skipped, with the reason. */
export function describeOnCluster(title: string, tests: (cluster: string) => void): void {
  describe(title, () => {
    beforeEach((context) => {
      if (!haveCluster) {
        context.skip('JWT_E2E_TEST_CLUSTER names no cluster; make one with "jwt-e2e up --name NAME"');
      }
    });
    tests(name);
  });
}
