/** What serves gRPC, to be loaded when a mesh starts. By name, because a bundle has no other names of it. */
export { Server, ServerCredentials } from '@grpc/grpc-js';

import protobuf from 'protobufjs';

/** Node.js finds no names in this package. */
export const { parse } = protobuf;
