/** What starts containers, to be loaded when one is: it is large. By name, because a bundle has no other names of it. */
export { GenericContainer, Wait } from 'testcontainers';
