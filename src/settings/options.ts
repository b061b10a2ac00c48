/** Every setting once: its flag, its type, what it is for. Variables and the settings file follow from it. */

import { profiles } from '../base/profiles.ts';

export interface OptionSpec {
  /** Long name without dashes; also the key in jwt-e2e.yaml, and JWT_E2E_… in upper case with underscores. */
  readonly name: string;
  readonly short?: string;
  /** What stands for the value in help texts; absent for a switch. */
  readonly value?: string;
  readonly description: string;
  /** May be given several times; separated by commas in a variable. */
  readonly many?: boolean;
  readonly choices?: readonly string[];
  /** What a value looks like, and how messages say that; of a number the largest one, which there is a reason for. */
  readonly form?: { readonly pattern: RegExp; readonly wanted: string; readonly most?: number };
  /** What it is about, as help texts say it. */
  readonly group?: string;
}

/** What is to be known of a command without running it. */
export interface CommandSpec {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionSpec[];
  /** What it takes besides options, in words; undefined for nothing. */
  readonly operand: string | undefined;
}

const numberTo = (most: number, what = 'a whole number') => ({
  pattern: /^[1-9]\d*$/,
  wanted: `${what} from 1 to ${most}`,
  most,
});
/** Up to a day. Timers of Node.js end at 24 of them; what is longer is not waited for at all. */
const seconds = numberTo(86_400, 'a whole number of seconds');

const where = about('Where the mesh is', [
  {
    name: 'target',
    value: 'NAME',
    description:
      'where the mesh is: auto takes cluster when --context or --kubeconfig is given, else kind when a Docker engine answers, else local',
    choices: ['auto', 'kind', 'cluster', 'local'],
  },
  {
    name: 'name',
    value: 'NAME',
    description: 'name of the kind cluster or local mesh (default: jwt-e2e)',
    // It becomes a part of paths.
    form: {
      pattern: /^[A-Za-z0-9][\w.-]{0,62}$/,
      wanted: 'up to 63 letters, digits, dots, hyphens and underscores, such as jwt-e2e',
    },
  },
  {
    name: 'istio',
    value: 'VERSION[,VERSION]',
    description:
      'Istio version (default: see kind/versions.yaml); with --target local several, each in a mesh of its own',
  },
  { name: 'istio-tag', value: 'TAG', description: 'tag of the Istio images, when it is not the version' },
  { name: 'hub', value: 'HUB', description: 'registry and folder of the Istio images' },
  {
    name: 'node-image',
    value: 'IMAGE',
    description: 'kind node image, which decides the Kubernetes version',
  },
  {
    name: 'istio-overlay',
    value: 'FILE',
    description: 'IstioOperator file with settings of yours, applied last',
    many: true,
  },
  {
    name: 'gateway-api-crds',
    value: 'FILE',
    description:
      'CustomResourceDefinitions of the Gateway API, such as its standard-install.yaml; of the targets kind and local, which have none otherwise',
  },
  {
    name: 'image',
    value: 'NAME=IMAGE',
    description:
      'image of an application: httpbin, curl, nginx, node, key-server, bookinfo (all four) or bookinfo-SERVICE',
    many: true,
    form: { pattern: /^[-\w]+=\S+$/, wanted: 'NAME=IMAGE' },
  },
  { name: 'docker', value: 'PROGRAM', description: 'the docker program' },
  { name: 'kind', value: 'PROGRAM', description: 'the kind program; otherwise PATH, cache, download' },
  {
    name: 'istioctl',
    value: 'PROGRAM',
    description: 'the istioctl program; otherwise PATH, cache, download',
  },
  {
    name: 'programs',
    value: '[VERSION=]FOLDER',
    description:
      'programs of the target local: etcd, kube-apiserver, pilot-discovery, envoy, crds.yaml or istioctl; the rest as without it; with VERSION= for that Istio alone',
    many: true,
  },
  {
    name: 'envoy',
    value: 'VERSION[,VERSION]',
    description:
      'Envoy of the target local, several with as many versions of Istio (default: the one that belongs to the Istio)',
  },
  {
    name: 'istiod-env',
    value: 'NAME=VALUE',
    description:
      'environment variable of istiod, such as PILOT_DEBOUNCE_AFTER=100ms; of the target local, but those that it needs itself',
    many: true,
    form: { pattern: /^[A-Za-z_]\w*=.*$/, wanted: 'NAME=VALUE' },
  },
  { name: 'downloads', value: 'URL', description: 'mirror to download programs from' },
  { name: 'no-download', description: 'never download a program' },
  { name: 'no-build', description: 'never build a program from Go modules, which takes minutes' },
]);

const cluster = about('A cluster that is there', [
  { name: 'context', value: 'NAME', description: 'kubeconfig context of the cluster with the workloads' },
  { name: 'kubeconfig', value: 'FILE', description: 'kubeconfig file of the cluster with the workloads' },
  {
    name: 'mesh-context',
    value: 'NAME',
    description: "context of the API server with Istio's resources, if another",
  },
  {
    name: 'mesh-kubeconfig',
    value: 'FILE',
    description: "kubeconfig of the API server with Istio's resources",
  },
  { name: 'ingress', value: 'URL', description: 'address of the ingress gateway as seen from here' },
  {
    name: 'gateway',
    value: 'NAMESPACE/NAME',
    description: 'Service of the ingress gateway, if not istio-system/istio-ingressgateway',
    form: { pattern: /^[a-z0-9-]+\/[a-z0-9-]+$/, wanted: 'NAMESPACE/NAME' },
  },
  { name: 'asm', value: 'VERSION', description: 'version of Alibaba ASM, when the mesh is one' },
  {
    name: 'fetch-mode',
    value: 'MODE',
    description: 'who fetches keys, when istiod cannot be asked',
    choices: ['istiod', 'envoy', 'hybrid'],
  },
  {
    name: 'external-jwks',
    value: 'URL',
    description:
      'keys on a server of yours outside the mesh, such as https://keys.example.com/get_jwks, in place of a pod of this tool; it serves the public part of --external-jwks-key',
  },
  {
    name: 'external-jwks-key',
    value: 'FILE',
    description: 'private RSA key as a JWK, which nobody else may read: tokens are signed with it',
  },
  {
    name: 'live',
    description: 'only look at the cluster: run live scenarios, and apply nothing; of init: write one',
  },
  { name: 'yes', description: 'also touch what this tool does not own; what it changes is restored' },
]);

const selection = about('Which scenarios', [
  {
    name: 'profile',
    value: 'NAME',
    description: 'documented (default), extended, cve, asm or all',
    choices: [...profiles, 'all'],
  },
  { name: 'grep', short: 'g', value: 'TEXT', description: 'only what has this text in its name or title' },
  { name: 'tag', value: 'TAG', description: 'only scenarios with this tag', many: true },
  { name: 'skip-tag', value: 'TAG', description: 'no scenarios with this tag', many: true },
  {
    name: 'shard',
    value: 'I/N',
    description: 'one of N parts, such as 1/3',
    form: { pattern: /^[1-9]\d*\/[1-9]\d*$/, wanted: 'such as 1/3' },
  },
]);

const running = about('How they run', [
  { name: 'keep', description: 'leave the mesh as it is at the end, for the next run with --reuse' },
  { name: 'reuse', description: 'use a mesh that an earlier run kept' },
  { name: 'dry-run', description: 'say what would be done, and do nothing' },
  { name: 'fail-fast', description: 'stop after the first scenario that failed' },
  { name: 'watch', description: 'keep the mesh up, and run again what a saved file affects; Ctrl-C ends' },
  {
    name: 'jobs',
    value: 'N',
    description:
      'how many meshes at a time: of several versions, or alike for a long run on local meshes (default: as many as fit)',
    form: numberTo(100),
  },
  {
    name: 'consecutive',
    value: 'N',
    description: 'how often in a row an answer must come (default: 3)',
    form: numberTo(1_000),
  },
  {
    name: 'answer-timeout',
    value: 'SECONDS',
    description: 'longest wait for the expected answers (default: 20; with --watch 5, on local meshes 1)',
    form: seconds,
  },
  {
    name: 'hold-timeout',
    value: 'SECONDS',
    description: 'longest wait for a change to reach the proxies (default: 60)',
    form: seconds,
  },
  {
    name: 'repeat',
    value: 'N',
    description: 'run every scenario N times, and say which checks did not always come out the same',
    form: numberTo(10_000),
  },
  {
    name: 'last-failed',
    description:
      'only scenarios that did not pass in the last run, as its JSON report has them; all when there are none',
  },
  {
    name: 'pause-on-failure',
    description: 'stop after a scenario that failed, with everything in place, and say how to look inside',
  },
  {
    name: 'baseline',
    value: 'FILE',
    description: 'known deviations, each with a reason and an end date; they do not fail the run',
  },
  {
    name: 'mutate',
    description:
      'after the run, make mistakes in the policies of the scenarios, and say which of them no check would notice; the mesh is not asked',
  },
  {
    name: 'confirm',
    value: 'N',
    description: 'with --mutate, try N of the mistakes that checks would notice on the mesh',
    form: numberTo(10_000),
  },
  {
    name: 'allow-commands',
    description: 'let scenarios run programs that print tokens: only for scenarios that you trust',
  },
  {
    name: 'env',
    value: 'NAME',
    description: 'variable of the environment that tokens may be read from, besides TOKEN and TOKEN_…',
    many: true,
  },
  { name: 'show-tokens', description: 'show signatures of tokens and secrets of keys too' },
]);

const reports = about('Reports', [
  { name: 'junit', value: 'FILE', description: 'JUnit report (default: reports/junit.xml)' },
  {
    name: 'junit-places',
    value: 'WHEN',
    description:
      'attributes file and line in JUnit, which some schemas refuse: auto (on GitHub and GitLab), yes or no',
    choices: ['auto', 'yes', 'no'],
  },
  { name: 'json', value: 'FILE', description: 'JSON report (default: reports/results.json)' },
  { name: 'html', value: 'FILE', description: 'page to look at (default: reports/report.html)' },
  { name: 'title', value: 'TEXT', description: 'title of the page (default: what was tested)' },
  {
    name: 'history',
    value: 'FOLDER',
    description: 'JSON reports of earlier runs: the page shows how each check came out in the last of them',
  },
  {
    name: 'open',
    description:
      'open the page in the browser when the run has ended; on a terminal that happens anyway when a check failed',
  },
  { name: 'no-open', description: 'never open the page' },
  {
    name: 'conformance',
    value: 'FILE',
    description: 'conformance report, YAML to keep and compare (default: reports/conformance.yaml)',
  },
  {
    name: 'summary',
    value: 'FILE',
    description: 'table of the results in Markdown, appended (default: $GITHUB_STEP_SUMMARY, when it is set)',
  },
  {
    name: 'artifacts',
    value: 'FOLDER',
    description: 'evidence of failed checks (default: reports/artifacts)',
  },
  { name: 'quiet', short: 'q', description: 'only failures and the summary' },
  {
    name: 'debug',
    description: 'write every request to the API server, every command and every wait to reports/debug.log',
  },
]);

/** Of every command. The file itself cannot say where it is. */
export const configOption: OptionSpec = {
  name: 'config',
  value: 'FILE',
  description: 'settings file (default: jwt-e2e.yaml, when it is there)',
};

function about(group: string, options: readonly OptionSpec[]): OptionSpec[] {
  return options.map((option) => ({ ...option, group }));
}

const merging = [
  ...['junit', 'junit-places', 'json', 'html', 'title', 'history'],
  ...['conformance', 'summary', 'artifacts', 'baseline'],
];

/** Of the command report, whose defaults are others: it writes what it is asked for, and the page when that is nothing. */
const merged: Readonly<Record<string, string>> = {
  junit: 'JUnit report',
  json: 'JSON report',
  html: 'page to look at (default: reports/report.html, when no other report is asked for)',
  conformance: 'conformance report, YAML to keep and compare',
  summary: 'table of the results in Markdown, appended',
  artifacts: 'folder of the evidence (default: artifacts beside the first report)',
};

/** What decides which programs the target local takes from where. */
const fetching = ['istio', 'hub', 'programs', 'envoy', 'downloads', 'no-download', 'no-build'];

/** Options by command. */
export const commandOptions = {
  run: [...where, ...cluster, ...selection, ...running, ...reports],
  up: [...where],
  down: [
    ...where.filter(({ name }) =>
      ['target', 'name', 'docker', 'kind', 'downloads', 'no-download'].includes(name),
    ),
    ...cluster.filter(({ name }) => /context|kubeconfig/.test(name)),
  ],
  list: [...selection],
  fetch: where.filter(({ name }) => fetching.includes(name)),
  doctor: [
    ...where.filter(({ name }) =>
      [...fetching, 'target', 'docker', 'kind', 'istioctl', 'node-image', 'istio-tag', 'image'].includes(
        name,
      ),
    ),
    ...cluster.filter(({ name }) => /context|kubeconfig/.test(name)),
    { name: 'json', description: 'as JSON' },
  ],
  report: [...running, ...reports]
    .filter(({ name }) => merging.includes(name))
    .map((option) => ({ ...option, description: merged[option.name] ?? option.description })),
  diff: [{ name: 'json', description: 'as JSON' }],
  matrix: [
    { name: 'istio', value: 'VERSION[,VERSION]', description: 'only these versions of Istio' },
    {
      name: 'pre-release',
      description: 'also the newest pre-release of Istio, when the registry has one newer than all releases',
    },
    ...where.filter(({ name }) => name === 'hub'),
  ],
  versions: [
    { name: 'check', description: 'ask the registries what is newer; ends with 1 when something is' },
    ...where.filter(({ name }) => name === 'hub'),
    { name: 'json', description: 'as JSON' },
  ],
  init: [
    { name: 'from', value: 'FOLDER', description: 'folder or file with the policies (default: the cluster)' },
    ...cluster.filter(({ name }) => /context|kubeconfig/.test(name)),
    { name: 'namespace', value: 'NAME', description: 'only policies of this namespace' },
    { name: 'output', value: 'FILE', description: 'file to write (default: my-scenarios/first.yaml)' },
    ...cluster.filter(({ name }) => name === 'live'),
    { name: 'force', description: 'replace the file when it is there' },
  ],
  explain: [
    { name: 'from', value: 'FOLDER', description: 'folder or file with the policies (default: the cluster)' },
    ...cluster.filter(({ name }) => /context|kubeconfig/.test(name)),
    { name: 'namespace', value: 'NAME', description: 'of a cluster, only policies of this namespace' },
    { name: 'to', value: 'SERVICE.NAMESPACE', description: 'Service that the request is sent to' },
    {
      name: 'client',
      value: 'NAMESPACE/ACCOUNT',
      description: 'service account of the client, or "outside" for one that is not in the mesh',
      form: {
        pattern: /^(?:outside|[a-z0-9-]+\/[a-z0-9.-]+)$/,
        wanted: 'NAMESPACE/SERVICEACCOUNT, or outside',
      },
    },
    ...selection.filter(({ name }) => name === 'grep'),
    { name: 'json', description: 'as JSON, with everything that was compared' },
  ],
  mutate: [
    ...selection.filter(({ name }) => name === 'profile'),
    {
      name: 'min-score',
      value: 'PERCENT',
      description: 'end with 3 when fewer of the mistakes are noticed',
      form: { pattern: /^(?:100|[1-9]?\d)$/, wanted: 'a whole number from 0 to 100' },
    },
    { name: 'json', description: 'as JSON, with every mistake and what became of it' },
  ],
} as const;

/** Every option that the settings file may have. */
export const allOptions: readonly OptionSpec[] = commandOptions.run;

/** The variable of an option, such as JWT_E2E_NODE_IMAGE. */
export function variableOf(name: string): string {
  return `JWT_E2E_${name.toUpperCase().replaceAll('-', '_')}`;
}
