/** What serves gRPC, to be loaded when a mesh starts. By name, because a bundle has no other names of it. */
export { Server, ServerCredentials } from '@grpc/grpc-js';
export { parse } from 'protobufjs';
