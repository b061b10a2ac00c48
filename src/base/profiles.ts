/** Folders below `scenarios` that come with this tool: what the FAQ promises, what is beyond it, known
 * vulnerabilities, what other documents of Alibaba ASM promise. */
export const profiles = ['documented', 'extended', 'cve', 'asm'] as const;

export type Profile = (typeof profiles)[number];
