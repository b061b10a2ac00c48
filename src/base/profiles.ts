/** Folders below `scenarios` that come with this tool: what documents promise, what is beyond them, known vulnerabilities. */
export const profiles = ['documented', 'extended', 'cve'] as const;

export type Profile = (typeof profiles)[number];
