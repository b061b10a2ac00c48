/** Whether proxies of the environment would come between the parts of a mesh. */
import type { Finding, Surroundings } from './finding.ts';

const variables = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];

/** What must never go to a proxy: this machine, and the names of Services, which only the cluster knows. */
const direct = ['localhost', '127.0.0.1', '.svc'];

/**
 * The proxy variables, which docker, kind, istioctl, curl and this tool all heed. kind gives them to its nodes, too:
 * https://kind.sigs.k8s.io/docs/user/quick-start/#configure-kind-to-use-a-proxy
 */
export async function proxies({ env }: Surroundings): Promise<Finding[]> {
  const name = 'proxy variables';
  const set = variables.flatMap((variable) => {
    const key = [variable, variable.toLowerCase()].find((each) => (env[each] ?? '') !== '');
    return key === undefined ? [] : [key];
  });
  const wrong = set.filter((key) => !isAddress(env[key] ?? ''));
  if (wrong.length > 0) {
    const text = `${listed(wrong)} ${wrong.length > 1 ? 'are no addresses' : 'is no address'}`;
    return [
      { name, state: 'warning', text, remedy: 'Write such as http://proxy.example.com:3128, or unset it.' },
    ];
  }
  if (set.length === 0) return [{ name, state: 'ok', text: 'none is set' }];
  // Both are read, and by some programs only one of them.
  const lists = ['NO_PROXY', 'no_proxy'].flatMap((key) => ((env[key] ?? '') === '' ? [] : [env[key] ?? '']));
  const lacking = direct.filter((entry) => lists.length === 0 || !lists.every((list) => has(list, entry)));
  const text = `${listed(set)} ${set.length > 1 ? 'are' : 'is'} set`;
  if (lacking.length === 0) return [{ name, state: 'ok', text: `${text}, and NO_PROXY names what is near` }];
  const now = lists[0] === undefined ? '' : `$${(env.NO_PROXY ?? '') === '' ? 'no_proxy' : 'NO_PROXY'},`;
  const remedy = `export NO_PROXY=${now}${lacking.join(',')} no_proxy=${now}${lacking.join(',')}`;
  return [{ name, state: 'warning', text: `${text}, and NO_PROXY does not name ${listed(lacking)}`, remedy }];
}

/** Whether an entry of NO_PROXY covers this one; `*` covers all, `127.0.0.0/8` and `.cluster.local` do their part. */
function has(list: string, entry: string): boolean {
  const entries = list.split(/[,\s]+/).filter(Boolean);
  const others: Readonly<Record<string, readonly string[]>> = {
    '127.0.0.1': ['127.0.0.0/8'],
    '.svc': ['svc', '*.svc'],
  };
  return ['*', entry, ...(others[entry] ?? [])].some((each) => entries.includes(each));
}

/** `http://proxy:3128`, or `proxy:3128`, which most programs take as well. */
function isAddress(value: string): boolean {
  return URL.canParse(/^[a-z0-9]+:\/\//i.test(value) ? value : `http://${value}`);
}

function listed(all: readonly string[]): string {
  return [all.slice(0, -1).join(', '), all.at(-1)].filter(Boolean).join(' and ');
}
