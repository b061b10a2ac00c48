/** What is used of client-node's connections, to be loaded when one is made. Named, so that a bundle has nothing else of it. */
export { Exec, PortForward } from '@kubernetes/client-node';
